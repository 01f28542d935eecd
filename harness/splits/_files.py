"""Reading the files of others: JSON, JSON lines and CSV, with an error that names file and line."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import SplitError

T = TypeVar("T")


def read_json(path: Path, kind: type[T]) -> T:
    """A JSON file whose outermost value is of that kind (`dict` or `list`).

    Raises:
        SplitError: it cannot be read, is no JSON, or holds another kind.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as fault:
        raise _unreadable(path, str(fault), "JSON") from fault
    if not isinstance(found, kind):
        raise _unreadable(
            path, f"a {type(found).__name__}", f"JSON whose outermost value is a {kind.__name__}"
        )
    return found


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """One JSON object per line; empty lines are passed over.

    Raises:
        SplitError: it cannot be read, or a line is no JSON object.
    """
    rows = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as fault:
        raise _unreadable(path, str(fault), "JSON lines") from fault
    for number, line in enumerate(lines, start=1):
        if line.strip():
            rows.append(_object(path, number, line))
    return rows


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as fault:
        raise _unreadable(path, f"line {number}: {fault}", "one JSON object per line") from fault
    if not isinstance(row, dict):
        raise _unreadable(path, f"line {number}: a {type(row).__name__}", "one JSON object per line")
    return row


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """A CSV with a header that holds at least these columns.

    Raises:
        SplitError: it cannot be read, lacks a column, or a row is shorter than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, ValueError, csv.Error) as fault:
        raise _unreadable(path, str(fault), "a CSV file") from fault
    absent = [name for name in columns if name not in (reader.fieldnames or ())]
    if absent:
        raise _unreadable(path, f"no column {', '.join(absent)}", f"columns {', '.join(columns)}")
    for number, row in enumerate(rows, start=2):
        if any(row[name] is None for name in columns):
            raise _unreadable(path, f"line {number} is too short", "a value in every column")
    return rows


def _unreadable(path: Path, got: str, wanted: str) -> SplitError:
    return SplitError(
        f"{path.name} cannot be read",
        got=f"{path}: {got}",
        wanted=wanted,
        next_step="fetch the published lists again",
    )
