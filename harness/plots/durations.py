"""Score against duration: whether short clips are harder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.plots._style import INK, blank, colour, headed, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class DurationBin:
    """Utterances of about the same duration."""

    first_s: float
    last_s: float
    """Shortest and longest of them, in seconds."""
    median_s: float
    utterances: int
    speakers: int
    score: float
    """Percent."""
    low: float | None
    high: float | None
    """Limits of the interval in percent; None where it is not defined."""


def duration_figure(bins: Sequence[DurationBin], whole: float, metric: str, title: Sequence[str]) -> Figure:
    """Draw the score of each bin with its interval and its count.

    Args:
        bins: from short to long.
        whole: the score of all utterances together, in percent.
        metric: what is drawn: `WA (%)`.
        title: lines above.

    Raises:
        HarnessError: there is no bin.
    """
    if not bins:
        raise HarnessError("there is no utterance to draw", wanted="at least one bin of durations")
    with style():
        figure = blank(6.0, 3.4 + 0.16 * len(title))
        axes = figure.add_subplot()
        _points(axes, bins)
        axes.axhline(whole, color=INK, linestyle="--", linewidth=1, label=f"all together: {whole:.1f}")
        axes.set(xlabel="duration (s)", ylabel=metric, ylim=(0, 116))
        axes.set_yticks(range(0, 101, 20))
        axes.grid(axis="y", linewidth=0.4, alpha=0.5)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        headed(figure, title)
    return figure


def _points(axes: Axes, bins: Sequence[DurationBin]) -> None:
    places = [one.median_s for one in bins]
    scores = [one.score for one in bins]
    below = [one.score - (one.score if one.low is None else one.low) for one in bins]
    above = [(one.score if one.high is None else one.high) - one.score for one in bins]
    axes.errorbar(
        places, scores, yerr=[below, above],
        xerr=[[one.median_s - one.first_s for one in bins], [one.last_s - one.median_s for one in bins]],
        fmt="o", color=colour(0), ecolor=colour(6), elinewidth=1.2, capsize=2, markersize=5,
        label="range of a bin (across), 95 % interval (up); number on top: utterances",
    )  # fmt: skip
    for number, one in enumerate(bins):  # two heights, so that neighbours do not touch
        axes.annotate(
            str(one.utterances), xy=(one.median_s, 103 + 6 * (number % 2)), ha="center", va="bottom"
        )
