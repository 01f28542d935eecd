"""What shortcuts say about a number: how much more it is than the best of them, and when to mistrust it.

Works on plain data as a record holds it. Where less of a metric is better, a gain is what the run has less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from harness.metrics import lower_is_better, written

COMPARED_BY = {"classes": "ua", "scales": "ccc", "shares": "jsd"}
"""Kind of target -> the metric in which shortcuts are compared; one constant answer gains nothing in UA or CCC."""
FAR = 0.10
"""From this much better than a constant answer on, a shortcut knows what it should not (our own line)."""
FIGURES = {"fold_mean": "", "pooled": "pooled "}
"""Figures of a score that have an interval, and how they are called."""


class Best(NamedTuple):
    """The strongest shortcut beside a run."""

    title: str
    metric: str
    value: float
    gain: float
    """How much better the run is; negative where it is worse."""


def defined(shortcuts: Mapping[str, Any]) -> dict[str, Any]:
    """Those that say anything about this corpus."""
    return {name: entry for name, entry in shortcuts.items() if entry["metrics"]}


def best_shortcut(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> Best | None:
    """The strongest shortcut in UA, CCC or JSD (or the run's first metric), the first of equals; None without any.

    Args:
        scores: of the run, `metrics` -> name -> `fold_mean`.
        shortcuts: as in the record.
    """
    usual = _compared_by(scores)
    metric = usual if usual in scores["metrics"] else next(iter(scores["metrics"]))
    sign = _sign(scores["metrics"][metric])
    values = {
        entry["title"]: float(entry["metrics"][metric]["fold_mean"])
        for entry in defined(shortcuts).values()
        if metric in entry["metrics"]
    }
    if not values:
        return None
    title = max(values, key=lambda name: sign * values[name])
    gain = sign * (scores["metrics"][metric]["fold_mean"] - values[title])
    return Best(title, metric, values[title], gain)


def _compared_by(scores: Mapping[str, Any]) -> str:
    return COMPARED_BY[scores.get("kind", "classes")]


def _sign(score: Mapping[str, Any]) -> int:
    """1 where more is better, -1 where less is."""
    return -1 if lower_is_better(score) else 1


def warnings(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> list[str]:
    """Why the number may not be what it seems: a shortcut inside the run's interval, or one far above majority."""
    return [*inside(scores, shortcuts), *_far(scores, shortcuts)]


def inside(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> Iterator[str]:
    """Every shortcut that reaches the worse end of the run's own interval, in fold mean or pooled.

    Classes are looked at in WA and UA, the other kinds of target in what they are compared by.
    """
    usual = _compared_by(scores)
    looked_at = ("wa", usual) if usual == "ua" else (usual,)
    for entry in defined(shortcuts).values():
        reached = [
            told
            for metric in looked_at
            if metric in scores["metrics"] and metric in entry["metrics"]
            for told in _reached(metric, scores["metrics"][metric], entry["metrics"][metric])
        ]
        if reached:
            beyond = "below" if lower_is_better(scores["metrics"].get(usual, {})) else "above"
            told = ", ".join(reached)
            yield f"{entry['title']} alone gives {told}: inside or {beyond} this run's own interval"


def _reached(metric: str, ours: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    sign = _sign(ours)
    for figure, words in FIGURES.items():
        if sign * other[figure] >= sign * _worse_end(ours, figure):
            yield f"{words}{metric.upper()} {written(ours, other[figure], -1)} ({_range(ours, figure)})"


def _worse_end(score: Mapping[str, Any], figure: str) -> float:
    """The worse end of the interval, or the figure itself where there is none."""
    end = score[f"{figure}_interval"]["high" if lower_is_better(score) else "low"]
    return float(score[figure] if end is None else end)


def _range(score: Mapping[str, Any], figure: str) -> str:
    limits = score[f"{figure}_interval"]
    if limits["low"] is None:
        return f"this run {written(score, score[figure], -1)}, no interval"
    return f"this run {written(score, limits['low'], -1)} to {written(score, limits['high'], -1)}"


def _far(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> Iterator[str]:
    """Both by the figure and by its own interval, so that a lucky draw is not called a leak.

    Where the classes are balanced, leaving a speaker out makes his classes the rare ones of training and the
    majority falls below chance; chance is the floor then. A concordance below 0 is no floor either.
    """
    metric, found = _compared_by(scores), defined(shortcuts)
    constant = found.get("majority", {"metrics": {}})
    floor = constant["metrics"].get(metric)
    if floor is None:
        return
    sign, chance = _sign(floor), {"ua": 1.0 / len(scores["classes"]), "ccc": 0.0}
    lowest = max(float(floor["fold_mean"]), chance.get(metric, float(floor["fold_mean"])))
    called = "the majority or chance" if metric == "ua" else f"the {constant['title']}"
    for name, entry in found.items():
        score = entry["metrics"][metric]
        better = sign * (score["fold_mean"] - lowest)
        if name != "majority" and better >= FAR and sign * (_worse_end(score, "fold_mean") - lowest) > 0:
            told, bare = (written(score, figure, -1) for figure in (score["fold_mean"], lowest))
            yield (
                f"{entry['title']} alone gives {metric.upper()} {told}, {called} {bare}: "
                "much of the label lies in that alone"
            )
