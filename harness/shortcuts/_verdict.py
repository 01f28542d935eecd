"""What shortcuts say about a number: how much more it is than the best of them, and when to mistrust it.

Works on plain data as a record holds it: shares between 0 and 1, means of the folds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

RANKED_BY = "ua"
"""The metric in which shortcuts are compared: guessing the majority gains nothing in it."""
FAR = 0.10
"""From this many points above the majority on, a shortcut knows something that it should not (our own line)."""
FIGURES = {"fold_mean": "", "pooled": "pooled "}
"""Figures of a score that have an interval, and how they are called."""


class Best(NamedTuple):
    """The strongest shortcut beside a run."""

    title: str
    metric: str
    value: float
    gain: float
    """What the run has above it; negative where it has less."""


def defined(shortcuts: Mapping[str, Any]) -> dict[str, Any]:
    """Those that say anything about this corpus."""
    return {name: entry for name, entry in shortcuts.items() if entry["metrics"]}


def best_shortcut(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> Best | None:
    """The strongest shortcut in UA (or in the run's first metric), the first of equals; None without any.

    Args:
        scores: of the run, `metrics` -> name -> `fold_mean`.
        shortcuts: as in the record.
    """
    metric = RANKED_BY if RANKED_BY in scores["metrics"] else next(iter(scores["metrics"]))
    values = {
        entry["title"]: float(entry["metrics"][metric]["fold_mean"])
        for entry in defined(shortcuts).values()
        if metric in entry["metrics"]
    }
    if not values:
        return None
    title = max(values, key=lambda name: values[name])
    return Best(title, metric, values[title], scores["metrics"][metric]["fold_mean"] - values[title])


def warnings(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> list[str]:
    """Why the number may not be what it seems: a shortcut inside the run's interval, or one far above majority."""
    return [*inside(scores, shortcuts), *_far(scores, shortcuts)]


def inside(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> Iterator[str]:
    """Every shortcut that reaches the lower end of the run's own interval, in WA or UA, fold mean or pooled."""
    for entry in defined(shortcuts).values():
        reached = [
            told
            for metric in ("wa", RANKED_BY)
            if metric in scores["metrics"] and metric in entry["metrics"]
            for told in _reached(metric, scores["metrics"][metric], entry["metrics"][metric])
        ]
        if reached:
            yield f"{entry['title']} alone gives {', '.join(reached)}: inside or above this run's own interval"


def _reached(metric: str, ours: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for figure, words in FIGURES.items():
        if other[figure] >= _low(ours, figure):
            yield f"{words}{metric.upper()} {100 * other[figure]:.1f} ({_range(ours, figure)})"


def _low(score: Mapping[str, Any], figure: str) -> float:
    """Lower end of the interval, or the figure itself where there is none."""
    low = score[f"{figure}_interval"]["low"]
    return float(score[figure] if low is None else low)


def _range(score: Mapping[str, Any], figure: str) -> str:
    limits = score[f"{figure}_interval"]
    if limits["low"] is None:
        return f"this run {100 * score[figure]:.1f}, no interval"
    return f"this run {100 * limits['low']:.1f} to {100 * limits['high']:.1f}"


def _far(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> Iterator[str]:
    """Both by the figure and by its own interval, so that a lucky draw is not called a leak.

    Where the classes are balanced, leaving a speaker out makes his classes the rare ones of training and the
    majority falls below chance; chance is the floor then.
    """
    found = defined(shortcuts)
    floor = found.get("majority", {"metrics": {}})["metrics"].get(RANKED_BY)
    if floor is None:
        return
    lowest = max(float(floor["fold_mean"]), 1.0 / len(scores["classes"]))
    for name, entry in found.items():
        score = entry["metrics"][RANKED_BY]
        if name != "majority" and score["fold_mean"] >= lowest + FAR and _low(score, "fold_mean") > lowest:
            yield (
                f"{entry['title']} alone gives UA {100 * score['fold_mean']:.1f}, the majority or chance "
                f"{100 * lowest:.1f}: much of the label lies in that alone"
            )
