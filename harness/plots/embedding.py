"""Clouds of utterances, one panel per upstream: where each class lies, and numbers under the picture."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.plots._style import (
    CHARACTER_IN,
    INK,
    PAGE_IN,
    blank,
    colour,
    headed,
    heading,
    marker,
    style,
    width_of,
    wrapped,
)

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ACROSS = 3
"""Panels side by side."""
WIDEST_PANEL_IN = 3.0
NARROWEST_IN = 3.6
LEFT_IN = 0.25
GAP_IN = 0.12
LINE_IN = 0.15
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
        names = [wrapped(name, LEGEND_CHARACTERS) for name in order]
        columns = min(len(panels), ACROSS)
        width = max(NARROWEST_IN, min(WIDEST_PANEL_IN, PAGE_IN / columns) * columns)
        sheet = _Sheet(width, columns, panels, title, names)
        figure = blank(width, sheet.height)
        figure.set_layout_engine("none")
        for number, panel in enumerate(panels):
            axes = figure.add_axes(sheet.place(number))
            _cloud(axes, panel, order, sheet.captions[number], first=number % columns == 0)
        _legend(figure, names, sheet.across)
        headed(figure, title)
    return figure


class _Sheet:
    """Where everything stands, in inches: square panels leave no choice, and no layout engine finds better."""

    def __init__(
        self, width: float, columns: int, panels: Sequence[Panel], title: Sequence[str], names: Sequence[str]
    ) -> None:
        self._width, self._columns = width, columns
        self._side = (width - LEFT_IN - GAP_IN * columns) / columns
        characters = int((self._side + GAP_IN / 2) / CHARACTER_IN)
        self.captions = [
            [line for text in p.caption for line in textwrap.wrap(text, characters)] for p in panels
        ]
        fitting = max(1, min(len(names), int(width / (width_of(names) + 0.5))))
        lines = math.ceil(len(names) / fitting)
        self.across = math.ceil(len(names) / lines)
        legend = lines * max(name.count("\n") + 1 for name in names)
        self._above = LINE_IN * (1.1 * len(heading(width, title)) + 1.4)
        self._row = LINE_IN * (max(map(len, self.captions)) + 3.2) + self._side
        self.height = (
            self._above + self._row * math.ceil(len(panels) / columns) + LINE_IN * (1.15 * legend + 0.6)
        )

    def place(self, number: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel, as shares of the figure."""
        row, column = divmod(number, self._columns)
        left = LEFT_IN + column * (self._side + GAP_IN)
        bottom = self.height - self._above - row * self._row - LINE_IN - self._side
        return left / self._width, bottom / self.height, self._side / self._width, self._side / self.height


def _check(panels: Sequence[Panel], order: Sequence[str]) -> None:
    strange = [panel.title for panel in panels if len(panel.points) != len(panel.labels) or not panel.labels]
    missing = sorted({label for panel in panels for label in panel.labels} - set(order))
    if not panels or strange or missing:
        raise HarnessError(
            "there is nothing to draw" if not panels else "points and labels of a picture do not fit",
            got=", ".join(strange or missing) or "no panel",
            wanted="panels with at least one point, a label for each, every label in the order",
        )


def _cloud(axes: Axes, panel: Panel, order: Sequence[str], caption: Sequence[str], *, first: bool) -> None:
    for number, label in enumerate(order):
        rows = [row for row, name in enumerate(panel.labels) if name == label]
        axes.scatter(
            panel.points[rows, 0], panel.points[rows, 1], s=15, marker=marker(number), color=colour(number),
            edgecolors=INK, linewidths=0.3, label=label, alpha=0.9,
        )  # fmt: skip
    axes.set_title(wrapped(panel.title, 30))
    axes.set(xticks=[], yticks=[], xlabel="\n".join(["UMAP 1", *caption]), box_aspect=1)
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
    figure.legend(handles=handles, loc="lower center", ncols=across, frameon=False, handletextpad=0.2)
