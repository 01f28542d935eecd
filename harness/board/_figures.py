"""Which figures of a record the board shows, by the kind of its targets, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from harness.metrics import all_metrics, is_percent, lower_is_better, shown, written
from harness.record import Record
from harness.shortcuts import best_shortcut

SHOWN = {"classes": ("wa", "ua", "wf1"), "scales": ("ccc", "rmse"), "shares": ("jsd", "votes_f1")}
"""Metrics in the order of the columns; the first one ranks. A scale's own CCC stands behind the mean."""
NOTHING = float("nan")


def kind_of(scores: Mapping[str, Any]) -> str:
    """What the targets are; records from before there were others are of classes."""
    return str(scores.get("kind", "classes"))


def by_kind(records: Sequence[Record]) -> list[list[Record]]:
    """The records, those of one kind together, classes first; a table of several kinds would be mostly empty."""
    parts = ([one for one in records if kind_of(one.scores) == kind] for kind in SHOWN)
    return [part for part in parts if part]


def column(score: Mapping[str, Any]) -> str:
    """The title of a metric's column: `WA`, `CCC arousal`."""
    return str(score["title"])


def shown_metrics(scores: Mapping[str, Any]) -> list[str]:
    """The metrics of a record that the board shows, in the order of the columns."""
    return [
        name
        for wanted in SHOWN[kind_of(scores)]
        for name in scores["metrics"]
        if name == wanted or (wanted == "ccc" and name.startswith("ccc_"))
    ]


def ranking(scores: Mapping[str, Any]) -> float:
    """What a record is ordered by, smaller first; one that lacks the metric comes last."""
    score = scores["metrics"].get(SHOWN[kind_of(scores)][0])
    if score is None:
        return float("inf")
    return float(score["fold_mean"] if lower_is_better(score) else -score["fold_mean"])


def figures(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Column -> figure, for a record's own scores or a shortcut's.

    The fold means, the interval of the first, and the same pooled.
    """
    metrics, names = scores["metrics"], shown_metrics(scores)
    first = SHOWN[kind_of(scores)][0]
    row: dict[str, Any] = {}
    for figure, before in (("fold_mean", ""), ("pooled", "pooled ")):
        row |= {f"{before}{column(metrics[name])}": as_number(metrics[name], figure) for name in names}
        if first in metrics:
            row[f"{before}{column(metrics[first])} interval"] = interval(metrics[first], figure)
    return row


def as_number(score: Mapping[str, Any] | None, figure: str) -> float:
    """A figure as the board shows it; NaN where there is none."""
    return NOTHING if not score else round(shown(score, score[figure]), 2 if is_percent(score) else 6)


def interval(score: Mapping[str, Any] | None, figure: str) -> str:
    """`61.2 to 70.4`; empty where there is nothing to resample."""
    limits = score[f"{figure}_interval"] if score else {}
    if not score or limits["low"] is None:
        return ""
    return f"{written(score, limits['low'], -1)} to {written(score, limits['high'], -1)}"


def shortcut(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> dict[str, str]:
    """`best shortcut (UA)` -> `66.80 duration and level`; empty for a record without shortcuts."""
    best = best_shortcut(scores, shortcuts)
    if best is None:
        return {}
    score = scores["metrics"][best.metric]
    return {f"best shortcut ({column(score)})": f"{written(score, best.value)} {best.title}"}


@cache
def _plain_titles() -> tuple[str, ...]:
    return tuple(metric.title for metric in all_metrics().values() if not metric.percent)


def decimals(name: str) -> int:
    """Of the numbers in a column: two for percent, three for what is shown as it is."""
    title = name.removeprefix("pooled ")
    return 3 if any(title == plain or title.startswith(f"{plain} ") for plain in _plain_titles()) else 2


def in_order(rows: Iterable[Mapping[str, Any]], first: Iterable[str], last: Iterable[str]) -> list[str]:
    """The columns of a table: `first`, then everything else as it comes up, then `last`."""
    ends = list(last)
    between = (name for row in rows for name in row if name not in ends)
    return list(dict.fromkeys([*first, *between, *ends]))
