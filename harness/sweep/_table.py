"""The rows of a table under one set of settings: printed figures, and ours with intervals, never mixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness import record as records
from harness.record import Record
from harness.sweep._config import Row, Table
from harness.sweep._outcome import Outcome

if TYPE_CHECKING:
    import pandas as pd

METRICS = ("wa", "ua", "wf1")
NOTHING = float("nan")


class Line(NamedTuple):
    """A row of the table and what is known of it."""

    name: str
    row: Row
    outcome: Outcome | None
    """None: it was not swept under these settings."""
    record: Record | None
    """Of the evaluation; None: there is none, or it was deleted."""


def lines(table: Table, found: Sequence[Outcome], results: Path) -> list[Line]:
    """Every row of a table, in its order, with the cells of one set of settings."""
    by_row = {outcome.row: outcome for outcome in found}
    return [
        Line(name, row, by_row.get(name), _record(by_row.get(name), results))
        for name, row in table.rows.items()
    ]


def _record(outcome: Outcome | None, results: Path) -> Record | None:
    path = results / "records" / f"{outcome.evaluation}.json" if outcome and outcome.evaluation else None
    return records.load(path) if path is not None and path.is_file() else None


def frame_of(table: Table, shown: Sequence[Line], published: Mapping[str, Any]) -> pd.DataFrame:
    """One line per row, every figure in a column of its own, in percent; means of the folds."""
    import pandas as pd

    return pd.DataFrame([_line(table, line, published) for line in shown])


def _line(table: Table, line: Line, published: Mapping[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {"row": line.name, **line.row.cells, **_published(table, line.row, published)}
    for name in METRICS:
        score = line.record.scores["metrics"].get(name) if line.record else None
        limits = score["fold_mean_interval"] if score else {"low": None, "high": None}
        figures[name.upper()] = _percent(score and score["fold_mean"])
        figures |= {f"{name.upper()} {end}": _percent(limits[end]) for end in ("low", "high")}
    return figures | _model(line) | {"remark": "; ".join(_remarks(line))}


def _published(table: Table, row: Row, published: Mapping[str, Any]) -> dict[str, float]:
    """What the paper prints for the row; nothing where it has no such row."""
    printed = {
        one["metric"]: float(one["value"])
        for one in published["records"]
        if row.published is not None
        and (one["source"], str(one["table"]), one["system"]) == (table.source, table.number, row.published)
    }
    return {f"published {name.upper()}": printed.get(name.upper(), NOTHING) for name in METRICS}


def _model(line: Line) -> dict[str, Any]:
    """What the pre-training came to: its last losses, and the name of the model."""
    facts = line.outcome.pretrained if line.outcome else {}
    last = facts.get("last", {})
    return {
        "frame loss": last.get("frame_loss", NOTHING),
        "utterance loss": last.get("utterance_loss", NOTHING),
        "utterance target (RMS)": last.get("utterance_target_rms", NOTHING),
        "target std": last.get("target_std", NOTHING),
        "updates": facts.get("updates", 0),
        "model": facts.get("name", ""),
        "stand-in": facts.get("stand_in", ""),
        "record": f"{line.record.stem}.json" if line.record else "",
    }


def _remarks(line: Line) -> Iterator[str]:
    if line.row.published is None:
        yield "ours only: the paper has no such row"
    if line.row.remark:
        yield line.row.remark
    if line.outcome is None:
        yield "not swept yet"
    elif line.outcome.fault:
        yield f"FAILED: {line.outcome.fault.splitlines()[0]}"
    elif line.record is None:
        yield "its record is gone: sweep again"
    elif line.outcome.pretrained.get("stand_in"):
        yield "started from a stand-in"


def _percent(share: float | None) -> float:
    return NOTHING if share is None else round(100 * share, 2)
