"""The rows of a translation as a table, and what has to be said about comparing them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.board import Published, published_for
from harness.record import Record
from harness.shortcuts import best_shortcut
from harness.translate._story import Row

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("wa", "ua", "wf1")
SELECTS = {"dev": "dev part", "test": "TEST part", "last": "nothing"}


def table_of(rows: Sequence[Row], published: Mapping[str, Any]) -> pd.DataFrame:
    """One line per protocol, every figure in a column of its own, in percent; means of the folds.

    Args:
        rows: of a translation.
        published: as `harness.board.read_published` gives it.
    """
    import pandas as pd

    return pd.DataFrame([_line(number, row, published) for number, row in enumerate(rows, start=1)])


def _line(number: int, row: Row, published: Mapping[str, Any]) -> dict[str, Any]:
    record = row.record
    line: dict[str, Any] = {"row": number, "protocol": ", ".join(row.recipes), **_who(record)}
    for name in METRICS:
        score = record.scores["metrics"].get(name)
        line[name.upper()] = _percent(score and score["fold_mean"])
        limits = score["fold_mean_interval"] if score else {"low": None, "high": None}
        line |= {f"{name.upper()} {end}": _percent(limits[end]) for end in ("low", "high")}
    best = best_shortcut(record.scores, record.shortcuts)
    line["best shortcut (UA)"] = (
        f"{100 * best.value:.2f} {best.title}" if best and best.metric == "ua" else ""
    )
    line |= _published(row, published)
    line["fingerprint"] = record.protocol["fingerprint"]
    line["record"] = f"{record.stem}.json"
    return line


def _who(record: Record) -> dict[str, Any]:
    folds = record.protocol["folds"]
    speakers = [fold["speakers"]["test"] for fold in folds]
    return {
        "folds": len(folds),
        "tested": sum(fold["examples"]["test"] for fold in folds),
        "speakers per fold": _range(speakers),
        "classes": len(record.task["classes"]),
        "speakers shared": _shared(record),
        "selected by": SELECTS[record.protocol["select"]],
        "head": record.head["name"],
    }


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _shared(record: Record) -> str:
    """Whether a tested speaker is in train or dev; a speaker whom nobody names might be."""
    shared = record.protocol["shared_speakers"]
    if not shared:
        return "no"
    known = [name for name in shared if name]
    return f"yes, {len(known)}" if known else "not known"


def _published(row: Row, published: Mapping[str, Any]) -> dict[str, Any]:
    """What others print for this upstream under any of the row's names."""
    printed = [published_for(row.record, dict(published), recipe) for recipe in row.recipes]
    found: Published = next((one for one in printed if one.scores), Published({}, ""))
    scores = {f"published {name.upper()}": found.scores.get(name.upper(), float("nan")) for name in METRICS}
    return {**scores, "published in": found.source}


def _percent(share: float | None) -> float:
    return float("nan") if share is None else round(100 * share, 2)


def spread(rows: Sequence[Row]) -> str:
    """Between which protocols WA differs most."""
    order = sorted(rows, key=lambda row: row.record.scores["metrics"]["wa"]["fold_mean"])
    low, high = (100 * row.record.scores["metrics"]["wa"]["fold_mean"] for row in (order[0], order[-1]))
    if len(rows) == 1:
        return f"One protocol only: WA {low:.2f}."
    return (
        f"The same features give WA {low:.2f} under {order[0].recipes[0]} and {high:.2f} under "
        f"{order[-1].recipes[0]}: {high - low:.2f} points of difference are the protocol's."
    )


def comparisons(rows: Sequence[Row]) -> Iterator[str]:
    """Which rows may stand beside each other, and why the others must not."""
    yield from _never(rows, "has tested speakers in training too", lambda row: _shared(row.record) != "no")
    yield from _never(rows, "let the test part select", lambda row: not row.record.ranked)
    yield from _narrow(rows)
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows, start=1):
        groups.setdefault(row.tested, []).append(number)
    if len(groups) > 1:
        told = " | ".join(", ".join(map(str, numbers)) for numbers in groups.values())
        yield f"Never compare across a bar, where other utterances or other classes are tested: {told}."
    fair = [_fair(rows, numbers) for numbers in groups.values()]
    told = "; ".join(", ".join(map(str, numbers)) for numbers in fair if len(numbers) > 1)
    yield (
        f"May be compared (same questions, speakers apart, nothing selected on test): {told}."
        if told
        else "No two rows of this table may be compared."
    )


def _never(rows: Sequence[Row], why: str, marked: Any) -> Iterator[str]:  # noqa: ANN401  a predicate on a row
    found = [number for number, row in enumerate(rows, start=1) if marked(row)]
    if found:
        yield f"Never compare with the others what {why}: {', '.join(map(str, found))}."


def _narrow(rows: Sequence[Row]) -> Iterator[str]:
    """What makes an interval less than it seems, as the record says it."""
    for number, row in enumerate(rows, start=1):
        note = row.record.scores["metrics"]["wa"]["fold_mean_interval"]["note"]
        if note:
            yield f"Interval of row {number}: {note}."


def _fair(rows: Sequence[Row], numbers: Sequence[int]) -> list[int]:
    return [n for n in numbers if rows[n - 1].record.ranked and _shared(rows[n - 1].record) == "no"]
