"""Records that a picture is drawn from, found by name or by what they are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import record as records
from harness.errors import ConfigError, did_you_mean
from harness.metrics import is_percent, metric_named, shown
from harness.record import Record, public_overrides

FIGURES = {"fold_mean": "mean of the folds", "pooled": "pooled over the folds"}
"""The two figures of a metric that a record holds."""


def record_named(results: Path, stem: str) -> Record:
    """The record of that stem; the name of its file, or of its picture or predictions, will do.

    Raises:
        ConfigError: there is no such record.
    """
    name = Path(stem).name
    for ending in (".json", ".png", ".parquet"):
        name = name.removesuffix(ending)
    path = results / "records" / f"{name}.json"
    if not path.is_file():
        known = sorted(path.stem for path in (results / "records").glob("*.json"))
        raise ConfigError(
            "there is no such record",
            got=stem or "no record=STEM",
            wanted=did_you_mean(name, known) if known else f"a record under {results / 'records'}",
            next_step="python -m harness leaderboard   lists the records, results=DIR says where they lie",
        )
    return records.load(path)


def all_records(results: Path) -> list[Record]:
    """Every record.

    Raises:
        ConfigError: there is none.
    """
    found = records.load_all(results)
    if not found:
        raise ConfigError(
            "there is nothing to draw",
            got=f"no records under {results / 'records'}",
            wanted="recorded runs",
            next_step="python -m harness run recipe=synthetic_5fold",
        )
    return found


def largest_group(
    found: Sequence[Record], key: Callable[[Record], Sequence[tuple[str, str]]], cell: Callable[[Record], Any]
) -> tuple[list[Record], list[str]]:
    """The records that may stand in one picture, those of the other groups in words.

    Args:
        found: at least one.
        key: what has to be equal within a picture, as pairs of a setting of `figure` and its value.
        cell: what a record fills; of several that fill the same one is kept, and the others are told: ranked
            before not, more seeds before fewer, nearer to its recipe before farther, then the newer.
    """
    groups: dict[tuple[tuple[str, str], ...], dict[Any, list[Record]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in sorted(found, key=_standing, reverse=True):
        groups[tuple(key(one))][cell(one)].append(one)
    ordered = sorted(groups, key=lambda name: (-len(groups[name]), name))
    drawn = [ones[0] for ones in groups[ordered[0]].values()]
    twice = [
        f"{ones[0].stem} is drawn, {one.stem} fills the same place"
        for ones in groups[ordered[0]].values()
        for one in ones[1:]
    ]
    others = [
        f"not drawn, because it differs: {len(groups[name])} more with {_words(name)}" for name in ordered[1:]
    ]
    return drawn, [*twice, *others]


def _standing(one: Record) -> tuple[bool, int, int, str, str]:
    return one.ranked, len(one.seeds), -len(public_overrides(one.overrides)), one.created, one.key


def _words(pairs: Sequence[tuple[str, str]]) -> str:
    return " ".join(f"{name}={value}" for name, value in pairs)


def matching(
    found: Sequence[Record], facts: Callable[[Record], Mapping[str, str]], wanted: Mapping[str, str]
) -> list[Record]:
    """The records with these facts.

    Raises:
        ConfigError: there is none.
    """
    kept = [one for one in found if all(facts(one).get(name) == value for name, value in wanted.items())]
    if not kept:
        seen = {name: sorted({facts(one)[name] for one in found}) for name in wanted}
        raise ConfigError(
            "no record is like this",
            got=" ".join(f"{name}={value}" for name, value in wanted.items()) or "no record at all",
            wanted="; ".join(f"{name}: {', '.join(values)}" for name, values in seen.items()) or "a record",
            next_step="choose among those, or run the recipe",
        )
    return kept


def told(one: Record, metric: str, figure: str) -> tuple[float, float | None, float | None]:
    """A score with the limits of its interval, as tables show it: shares in percent.

    Raises:
        ConfigError: the record does not hold that metric, or there is no such figure.
        UnknownNameError: there is no such metric.
    """
    metric_named(metric)
    score = one.scores["metrics"].get(metric)
    if score is None or figure not in FIGURES:
        raise ConfigError(
            f"{one.stem} does not hold what is to be drawn",
            got=f"metric={metric} figure={figure}",
            wanted=f"metric: {', '.join(one.scores['metrics'])}; figure: {', '.join(FIGURES)}",
            next_step=f"metric={next(iter(one.scores['metrics']))} figure=fold_mean",
        )
    limits = score[f"{figure}_interval"]
    low, high = (None if limits[end] is None else shown(score, limits[end]) for end in ("low", "high"))
    return shown(score, score[figure]), low, high


def unit(found: Sequence[Record], metric: str, figure: str) -> str:
    """What is drawn, in words: `UA (%), mean of the folds`."""
    percent = all(is_percent(one.scores["metrics"][metric]) for one in found)
    return f"{metric.upper()}{' (%)' if percent else ''}, {FIGURES[figure]}"


def synthetic_first(found: Sequence[Record]) -> list[str]:
    """The line that a picture of made-up audio begins with."""
    return ["SYNTHETIC AUDIO"] if any(one.corpus["synthetic"] for one in found) else []
