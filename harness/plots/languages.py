"""Corpora by language against upstreams, as a heat map of one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.plots._style import (
    CHARACTER_IN,
    INK,
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
ROW_IN = 0.3


@dataclass(frozen=True, kw_only=True)
class LanguageRow:
    """A corpus with its scores."""

    language: str
    corpus: str
    scores: tuple[float | None, ...]
    """Percent, one per upstream; None where nothing is recorded."""
    marks: tuple[str, ...]
    """What stands behind each number: `*` and the like, explained in the title; empty for none."""


def language_figure(
    rows: Sequence[LanguageRow],
    upstreams: Sequence[str],
    metric: str,
    title: Sequence[str],
    top: float = 100.0,
) -> Figure:
    """Draw the heat map.

    Args:
        rows: the corpora of a language one after the other.
        upstreams: names of the columns.
        metric: what the numbers are, for the scale: `UA (%)`.
        title: lines above.
        top: upper end of the scale, whose lower one is 0: 1 where scores are no percents.

    Raises:
        HarnessError: no row, no column, or no score at all.
    """
    if not any(score is not None for row in rows for score in row.scores):
        raise HarnessError(
            "there is no score to draw",
            got=f"{len(rows)} corpora and {len(upstreams)} upstreams",
            wanted="at least one recorded run",
        )
    with style():
        names = [wrapped(name, 24) for name in upstreams]
        languages = [wrapped(row.language, 22) for row in rows]
        beside = width_of([row.corpus for row in rows]) + width_of(languages) + 1.4
        cell = min(CELL_IN, (PAGE_IN - beside) / len(names))
        figure = blank(
            max(3.5, beside + cell * len(names)),
            ROW_IN * len(rows) + 0.75 * width_of(names) + 0.7 + 0.16 * len(title),
        )
        axes = figure.add_subplot()
        _heat(axes, rows, names, metric, top)
        _name_languages(axes, rows, languages)
        headed(figure, title)
    return figure


def _heat(axes: Axes, rows: Sequence[LanguageRow], names: Sequence[str], metric: str, top: float) -> None:
    import numpy as np
    import seaborn

    values = np.array([[np.nan if score is None else score for score in row.scores] for row in rows], float)
    texts = [
        [
            "" if score is None else f"{score:.{1 if top > 1 else 2}f}{mark}"
            for score, mark in zip(row.scores, row.marks, strict=True)
        ]
        for row in rows
    ]
    seaborn.heatmap(
        values, vmin=0, vmax=top, cmap=SEQUENCE, annot=np.array(texts), fmt="", linewidths=0.5,
        mask=np.isnan(values), xticklabels=names, yticklabels=[row.corpus for row in rows],
        annot_kws={"fontsize": POINTS}, cbar_kws={"label": metric.partition(",")[0]}, ax=axes,
    )  # fmt: skip
    readable(axes)
    axes.set_facecolor(NO_DATA)
    axes.tick_params(axis="y", rotation=0)
    axes.set_xticks(axes.get_xticks(), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set(xlabel="upstream (grey: no run)", ylabel="")


def _name_languages(axes: Axes, rows: Sequence[LanguageRow], names: Sequence[str]) -> None:
    """Each language once, left of its corpora, with a line between languages."""
    starts = [row for row in range(len(rows)) if row == 0 or rows[row].language != rows[row - 1].language]
    offset = -72 * CHARACTER_IN * max(len(row.corpus) for row in rows) - 20
    for start, end in pairwise([*starts, len(rows)]):
        axes.annotate(
            names[start], xy=(0, (start + end) / 2), xycoords=("axes fraction", "data"), fontweight="bold",
            xytext=(offset, 0), textcoords="offset points", ha="right", va="center",
        )  # fmt: skip
        if start:
            axes.axhline(start, color=INK, linewidth=1.2)
