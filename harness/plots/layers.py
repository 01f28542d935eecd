"""Score by layer: how much of the answer each hidden state holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.plots._style import DASHES, INK, PAGE_IN, blank, colour, headed, marker, style, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One upstream."""

    name: str
    layers: tuple[int, ...]
    """Counted from 0, the input of the first block; rising."""
    scores: tuple[float, ...]
    """Percent."""
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    """Limits of the interval in percent; None where it is not defined."""
    count: int
    """Layers that the upstream has; those without a score are gaps."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """Points that others have printed; never joined to ours."""

    name: str
    layers: tuple[int, ...]
    scores: tuple[float, ...]


def layer_figure(
    curves: Sequence[Curve], published: Sequence[Published], metric: str, title: Sequence[str]
) -> Figure:
    """Draw a curve with its band for each upstream, and the published points beside.

    Args:
        curves: ours.
        published: of others.
        metric: what is drawn: `UA (%), mean of the folds`.
        title: lines above.

    Raises:
        HarnessError: no curve, or one without a layer.
    """
    if not curves or not all(curve.layers for curve in curves):
        raise HarnessError("there is no layer to draw", wanted="at least one recorded layer per upstream")
    with style():
        entries = len(curves) + len(published)
        figure = blank(PAGE_IN, 3.3 + 0.17 * (entries // 2 + 1) + 0.16 * len(title))
        axes = figure.add_subplot()
        for number, curve in enumerate(curves):
            _curve(axes, curve, number)
        for number, points in enumerate(published, start=len(curves)):
            axes.plot(
                points.layers, points.scores, linestyle="", marker=marker(number), color=colour(number),
                markerfacecolor="none", markersize=7, label=wrapped(points.name, 60),
            )  # fmt: skip
        _finish(axes, metric, max(curve.count for curve in curves))
        figure.legend(loc="outside lower center", ncols=2 if entries > 1 else 1, frameon=False)
        headed(figure, title)
    return figure


def _curve(axes: Axes, curve: Curve, number: int) -> None:
    """Neighbouring layers are joined; nothing is drawn where a layer has no score."""
    import numpy as np

    columns = {"scores": curve.scores, "low": curve.low, "high": curve.high}
    filled = {name: np.full(curve.count, np.nan) for name in columns}
    for name, values in columns.items():
        filled[name][list(curve.layers)] = [np.nan if value is None else value for value in values]
    axes.plot(
        range(curve.count), filled["scores"], marker=marker(number), color=colour(number),
        linestyle=DASHES[number % len(DASHES)], markeredgecolor=INK, markeredgewidth=0.3, label=curve.name,
    )  # fmt: skip
    axes.fill_between(
        range(curve.count), filled["low"], filled["high"], color=colour(number), alpha=0.15, linewidth=0
    )
    axes.vlines(range(curve.count), filled["low"], filled["high"], color=colour(number), linewidth=0.8)


def _finish(axes: Axes, metric: str, count: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set(xlabel="layer (0: input of the first block)", ylabel=metric, xlim=(-0.3, count - 0.7))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", linewidth=0.4, alpha=0.5)
