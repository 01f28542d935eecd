"""A table for programs: one row per printed figure, ours in columns of its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from harness.tables._cells import Block, Cell, figures
from harness.tables._footnotes import Note, at_column, at_group, at_row, at_title
from harness.tables._layout import Layout
from harness.tables._marks import letters

COLUMNS = (
    "source", "table", "group", "row", "column", "metric", "published", "ours", "low", "high", "seeds",
    "difference", "marks", "why_marked", "record", "command", "why_not_ours", "footnotes",
)  # fmt: skip


def csv_text(layout: Layout, blocks: Sequence[Block], notes: list[Note]) -> str:
    """Every printed figure in reading order; empty where there is nothing of ours."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for cell in figures(blocks):
        writer.writerow({**_printed(layout, cell, notes), **_ours(cell)})
    return text.getvalue()


def _printed(layout: Layout, cell: Cell, notes: list[Note]) -> Mapping[str, Any]:
    row, column, group = cell.row, cell.column, _group(layout, cell)
    hanging = (at_title(notes), at_group(notes, group), at_column(notes, column.title), at_row(notes, row))
    return {
        "source": layout.head.source,
        "table": layout.head.number,
        "group": group,
        "row": row.label or row.match.get("system") or " ".join(row.match.values()),
        "column": column.title,
        "metric": cell.metric,
        "published": cell.printed["printed"],
        "footnotes": "".join(letter for letters_ in hanging for letter in letters_),
    }


def _group(layout: Layout, cell: Cell) -> str:
    """The nearest heading above the row."""
    above = layout.rows[: layout.rows.index(cell.row) + 1]
    return next((row.group for row in reversed(above) if row.group), "")


def _ours(cell: Cell) -> Mapping[str, Any]:
    ours = cell.ours
    if ours is None:
        return {"command": cell.command, "why_not_ours": cell.why}
    return {
        "ours": f"{ours.value:.4f}",
        "low": "" if ours.low is None else f"{ours.low:.4f}",
        "high": "" if ours.high is None else f"{ours.high:.4f}",
        "seeds": ours.seeds,
        "difference": f"{ours.difference:+.4f}",
        "marks": letters(ours.marks),
        "why_marked": "; ".join(f"{mark.letter}: {mark.text}" for mark in ours.marks),
        "record": ours.record,
        "command": cell.command,
        "why_not_ours": cell.why,
    }
