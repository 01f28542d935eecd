"""Clouds of utterances, one panel per upstream: where each class lies, and numbers under the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.plots._style import INK, PAGE_IN, blank, colour, headed, marker, style, width_of, wrapped

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ACROSS = 3
"""Panels side by side."""
LEGEND_CHARACTERS = 24


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One cloud."""

    title: str
    points: NDArray[np.float64]
    """(utterances, 2)."""
    labels: tuple[str, ...]
    """(utterances,) what colours each point."""
    caption: tuple[str, ...]
    """The lines under the picture: its numbers."""


def embedding_figure(panels: Sequence[Panel], order: Sequence[str], title: Sequence[str]) -> Figure:
    """Draw the panels with one legend.

    Args:
        panels: in order of drawing.
        order: of the labels: the same label has the same colour and shape in every panel.
        title: lines above.

    Raises:
        HarnessError: nothing to draw, or points and labels do not fit.
    """
    _check(panels, order)
    with style():
        rows, columns = math.ceil(len(panels) / ACROSS), min(len(panels), ACROSS)
        side = min(3.0, PAGE_IN / columns)
        names = [wrapped(name, LEGEND_CHARACTERS) for name in order]
        across = max(1, min(len(names), int(max(3.4, side * columns) / (width_of(names) + 0.45))))
        legend_in = 0.18 * math.ceil(len(names) / across) * max(name.count("\n") + 1 for name in names)
        under = 0.2 + 0.15 * max(len(panel.caption) + 1 for panel in panels)
        height = rows * (side + under + 0.2) + legend_in + 0.2 + 0.16 * len(title)
        figure = blank(max(3.4, side * columns), height)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for number, (panel, axes) in enumerate(zip(panels, grid, strict=False)):
            _cloud(axes, panel, order, first=number % columns == 0)
        for unused in grid[len(panels) :]:
            unused.set_axis_off()
        _legend(figure, names, across)
        headed(figure, title)
    return figure


def _check(panels: Sequence[Panel], order: Sequence[str]) -> None:
    strange = [panel.title for panel in panels if len(panel.points) != len(panel.labels) or not panel.labels]
    missing = sorted({label for panel in panels for label in panel.labels} - set(order))
    if not panels or strange or missing:
        raise HarnessError(
            "there is nothing to draw" if not panels else "points and labels of a picture do not fit",
            got=", ".join(strange or missing) or "no panel",
            wanted="panels with at least one point, a label for each, every label in the order",
        )


def _cloud(axes: Axes, panel: Panel, order: Sequence[str], *, first: bool) -> None:
    for number, label in enumerate(order):
        rows = [row for row, name in enumerate(panel.labels) if name == label]
        axes.scatter(
            panel.points[rows, 0], panel.points[rows, 1], s=15, marker=marker(number), color=colour(number),
            edgecolors=INK, linewidths=0.3, label=label, alpha=0.9,
        )  # fmt: skip
    axes.set_title(wrapped(panel.title, 30))
    axes.set(xticks=[], yticks=[], xlabel="\n".join(["UMAP 1", *panel.caption]), box_aspect=1)
    axes.set_ylabel("UMAP 2" if first else "")
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)


def _legend(figure: Figure, names: Sequence[str], across: int) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=marker(number),
            color=colour(number),
            markeredgecolor=INK,
            markeredgewidth=0.3,
            markersize=6,
            label=name,
        )
        for number, name in enumerate(names)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=across, frameon=False, handletextpad=0.2)
