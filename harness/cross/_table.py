"""The runs of a sweep as one long table for programs, and as matrices for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.board import remarks, view_name
from harness.cross._story import Row
from harness.metrics import shown, written
from harness.record import Record
from harness.shortcuts import best_shortcut

if TYPE_CHECKING:
    import pandas as pd

HEADLINE = ("ua", "wa", "wf1")
"""What is shown where it was scored; else the first three of what was."""


class Block(NamedTuple):
    """Runs that differ in their corpora alone: one matrix per metric."""

    upstream: str
    switches: str
    rows: tuple[Row, ...]


def metrics_of(rows: Sequence[Row]) -> list[str]:
    """The metrics to show, in order."""
    scored = list(rows[0].record.scores["metrics"])
    return [name for name in HEADLINE if name in scored] or scored[:3]


def long_table(rows: Sequence[Row]) -> pd.DataFrame:
    """One line per run, every figure in a column of its own, as `shown` has it."""
    import pandas as pd

    return pd.DataFrame([_line(row, metrics_of(rows)) for row in rows])


def _line(row: Row, metrics: Sequence[str]) -> dict[str, Any]:
    record = row.record
    line: dict[str, Any] = {
        "train": row.trained_on,
        "test": row.test,
        "recipe": record.recipe,
        "upstream": record.upstream["name"],
        "head": record.head["name"],
        "view": view_name(record.view),
        **row.switches._asdict(),
        "classes": " ".join(record.task["classes"]),
        "tested": record.scores["examples"],
        "speakers tested": record.scores["speakers"],
    }
    for name in metrics:
        line |= _figures(record, name)
    line["best shortcut (UA)"] = shortcut_of(record)
    line["remarks"] = "; ".join(remarks(record))
    line["record"] = f"{record.stem}.json"
    return line


def _figures(record: Record, name: str) -> dict[str, float]:
    """The pooled figure of a metric and its limits; with one fold it is the fold's own."""
    score = record.scores["metrics"][name]
    limits = score["pooled_interval"]
    ends = {f"{name.upper()} {end}": _shown(score, limits[end]) for end in ("low", "high")}
    return {name.upper(): _shown(score, score["pooled"]), **ends}


def _shown(score: dict[str, Any], figure: float | None) -> float:
    return float("nan") if figure is None else round(shown(score, figure), 4)


def shortcut_of(record: Record) -> str:
    """`31.50 duration and level`; empty where none is defined."""
    best = best_shortcut(record.scores, record.shortcuts)
    return "" if best is None or best.metric != "ua" else f"{100 * best.value:.2f} {best.title}"


def with_interval(record: Record, name: str) -> str:
    """`43.00 (27.3 to 57.4)`, pooled; without the limits where nothing can be resampled."""
    score = record.scores["metrics"].get(name)
    if score is None:
        return ""
    limits = [score["pooled_interval"][end] for end in ("low", "high")]
    told = [written(score, limit, -1) for limit in limits if limit is not None]
    return f"{written(score, score['pooled'])}{f' ({told[0]} to {told[1]})' if len(told) == 2 else ''}"


def blocks(rows: Sequence[Row]) -> list[Block]:
    """The runs by upstream and switches, in the order in which they come."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.record.upstream["name"], row.switches.title), []).append(row)
    return [Block(upstream, switches, tuple(own)) for (upstream, switches), own in found.items()]


def matrix(block: Block, metric: str) -> pd.DataFrame:
    """Rows trained on, columns tested on; empty where there is no run."""
    import pandas as pd

    cells = {(row.trained_on, row.test): with_interval(row.record, metric) for row in block.rows}
    trained, tested = names_of(block)
    lines = [
        {"trained on": one, **{f"on {other}": cells.get((one, other), "") for other in tested}}
        for one in trained
    ]
    return pd.DataFrame(lines)


def matrix_table(rows: Sequence[Row]) -> pd.DataFrame:
    """All matrices under each other, plain numbers: a line per upstream, switches, metric and training corpus."""
    import pandas as pd

    lines = []
    for block in blocks(rows):
        trained, tested = names_of(block)
        for metric in metrics_of(rows):
            for one in trained:
                said = {"upstream": block.upstream, "switches": block.switches, "metric": metric.upper()}
                lines.append(said | {"trained on": one} | numbers(block, metric, one, tested))
    return pd.DataFrame(lines)


def numbers(block: Block, metric: str, trained: str, tested: Sequence[str]) -> dict[str, float]:
    """One line of a matrix: tested corpus -> figure, NaN where there is no run."""
    found = {
        row.test: _figures(row.record, metric)[metric.upper()]
        for row in block.rows
        if row.trained_on == trained
    }
    return {name: found.get(name, float("nan")) for name in tested}


def names_of(block: Block) -> tuple[list[str], list[str]]:
    """The corpora that train and those that are tested, in the same order as far as they are the same."""
    trained = list(dict.fromkeys(row.trained_on for row in block.rows))
    tested = list(dict.fromkeys(row.test for row in block.rows))
    known = [name for name in trained if name in tested]
    return trained, [*known, *(name for name in tested if name not in known)]
