"""What a model knows while it is pre-trained: its loss and spreads, and a probe's score at its milestones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.plots._style import DASHES, PAGE_IN, blank, colour, headed, marker, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The scores of one recipe over the updates of a pre-training."""

    name: str
    updates: tuple[int, ...]
    """Rising; 0 is the start."""
    scores: tuple[float, ...]
    """As tables show them: shares in percent."""
    low: tuple[float, ...]
    """Limits of the interval; NaN where it is not defined."""
    high: tuple[float, ...]


PANELS = {"loss": ("frame_loss", "utterance_loss"), "standard deviation": ("target_std", "prediction_std")}
"""Title of a panel -> columns of the history."""


def milestone_figure(
    history: Sequence[Mapping[str, float]], probes: Sequence[Probe], metric: str, title: Sequence[str]
) -> Figure:
    """Draw three panels over the same updates.

    Args:
        history: rows of the pre-training, each with its `update`.
        probes: at least one, each with a milestone or more.
        metric: what the probes are scored by: `UA (%), mean of the folds`.
        title: lines above.

    Raises:
        HarnessError: no history or no milestone.
    """
    if not history or not probes:
        raise HarnessError("there is nothing to draw", got=f"{len(history)} rows, {len(probes)} probes")
    with style():
        figure = blank(PAGE_IN, 6.2)
        axes = figure.subplots(3, 1, sharex=True, height_ratios=(1, 1, 1.4))
        for (name, columns), panel in zip(PANELS.items(), axes, strict=False):
            _curves(panel, history, name, [column for column in columns if column in history[0]])
        for number, probe in enumerate(probes):
            _probe(axes[2], probe, number)
        axes[2].set(ylabel=metric, xlabel="updates")
        for panel in axes:
            panel.grid(axis="y", linewidth=0.4, alpha=0.5)
            panel.legend(frameon=False)
        headed(figure, title)
    return figure


def _curves(panel: Axes, history: Sequence[Mapping[str, Any]], name: str, columns: Sequence[str]) -> None:
    updates = [row["update"] for row in history]
    for number, column in enumerate(columns):
        values = [row[column] for row in history]
        panel.plot(
            updates, values, color=colour(number), linestyle=DASHES[number], label=column.replace("_", " ")
        )
    panel.set_ylabel(name)
    panel.set_ylim(bottom=0)


def _probe(panel: Axes, probe: Probe, number: int) -> None:
    panel.plot(
        probe.updates, probe.scores, color=colour(number), marker=marker(number), linestyle=DASHES[number],
        label=probe.name,
    )  # fmt: skip
    panel.fill_between(probe.updates, probe.low, probe.high, color=colour(number), alpha=0.15, linewidth=0)
