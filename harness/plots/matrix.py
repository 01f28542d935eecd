"""Trained on against tested on, as a heat map of one score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.plots._style import (
    NO_DATA,
    PAGE_IN,
    POINTS,
    SEQUENCE,
    blank,
    headed,
    readable,
    style,
    width_of,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL_IN = 0.72
LABEL_CHARACTERS = 20


def matrix_figure(
    values: Sequence[Sequence[float]],
    trained: Sequence[str],
    tested: Sequence[str],
    metric: str,
    title: Sequence[str],
) -> Figure:
    """Draw the heat map.

    Args:
        values: rows trained on, columns tested on; NaN where there is no run.
        trained: names of the rows.
        tested: names of the columns.
        metric: what the numbers are, for the scale.
        title: lines above.
    """
    rows, columns = ([wrapped(name, LABEL_CHARACTERS) for name in names] for names in (trained, tested))
    beside = width_of(rows) + 1.4
    cell = min(CELL_IN, (PAGE_IN - beside) / len(columns))
    with style():
        figure = blank(
            max(3.5, beside + cell * len(columns)),
            cell * len(rows) + 0.75 * width_of(columns) + 0.7 + 0.16 * len(title),
        )
        _heat(figure.add_subplot(), values, rows, columns, metric)
        headed(figure, title)
    return figure


def _heat(
    axes: Axes, values: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str], metric: str
) -> None:
    import numpy as np
    import seaborn

    table = np.array(values, float)
    highest = np.nanmax(table)
    texts = [["" if np.isnan(one) else f"{one:.{1 if highest > 1 else 2}f}" for one in row] for row in table]
    seaborn.heatmap(
        table, vmin=0, vmax=100 if highest > 1 else 1, cmap=SEQUENCE, annot=np.array(texts), fmt="", square=True,
        linewidths=0.5, mask=np.isnan(table), xticklabels=columns, yticklabels=rows,
        annot_kws={"fontsize": POINTS}, cbar_kws={"label": metric, "shrink": 0.75}, ax=axes,
    )  # fmt: skip
    readable(axes)
    axes.set_facecolor(NO_DATA)
    axes.tick_params(axis="y", rotation=0)
    axes.set_xticks(axes.get_xticks(), columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set(xlabel="tested on", ylabel="trained on")
