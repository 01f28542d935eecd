"""Annotation tables: delimited text read by the names of its columns, and refused by file, line and column.

Owners and mirrors save the same table in other encodings and with other column orders. UTF-8 (with or without a
byte order mark) is tried first, then CP1252, the usual encoding of a spreadsheet on Windows; bytes that are
neither stop the loader. Column names are compared without case and surrounding blanks.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CorpusError

log = logging.getLogger(__name__)

ENCODINGS = ("utf-8-sig", "cp1252")
"""Tried in this order; almost every byte is a character in CP1252, so it comes last."""

_RESTORE = "restore this file from the owners' archive; a spreadsheet program may have changed it on saving"


@dataclass(frozen=True)
class Row:
    """One line of a table, by column name in lower case."""

    path: Path
    line: int
    """In the file, counted from 1; the last one where the row goes over several lines."""
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """The cell without surrounding blanks."""
        return self.values[column.lower()].strip()

    def get(self, column: str) -> str:
        """The cell, empty where the table has no such column."""
        return self.values.get(column.lower(), "").strip()

    def number(self, column: str) -> int:
        """The cell as a whole number.

        Raises:
            CorpusError: it is none.
        """
        try:
            return int(self[column])
        except ValueError:
            raise self.refused(column, "a whole number") from None

    def real(self, column: str) -> float:
        """The cell as a finite number.

        Raises:
            CorpusError: it is none.
        """
        try:
            value = float(self[column])
        except ValueError:
            raise self.refused(column, "a number") from None
        if not abs(value) < float("inf"):
            raise self.refused(column, "a finite number")
        return value

    def refused(self, column: str, wanted: str) -> CorpusError:
        """The error for a cell that cannot be meant."""
        return CorpusError(
            "an annotation table holds a value that cannot be read",
            got=f"{self.path}, line {self.line}, column {column}: {self.get(column)!r}",
            wanted=wanted,
            next_step=_RESTORE,
        )


def read_table(path: Path, columns: Sequence[str], separator: str = ",") -> list[Row]:
    """The rows of a delimited text file with one line of column names.

    Args:
        path: of the file.
        columns: that must be there, in any order; others are kept too.
        separator: between two cells.

    Raises:
        CorpusError: the file cannot be read or decoded, lacks a column, or has a line of another length.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=separator)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _require_columns(path, header, columns)
        return [_row(path, reader.line_num, header, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as fault:
        raise CorpusError(
            "an annotation table cannot be read",
            got=f"{path}, line {reader.line_num}: {fault}",
            wanted=f"text with {separator!r} between the cells",
            next_step=_RESTORE,
        ) from fault


def heads(path: Path, column: str) -> bool:
    """Whether the first line of a file names this column, among whatever stands between the names."""
    try:
        with path.open("rb") as file:
            return column.lower().encode() in file.readline().lower()
    except OSError:
        return False


def read_text(path: Path) -> str:
    """A text file in the first of `ENCODINGS` that fits.

    Raises:
        CorpusError: the file cannot be opened, or is in none of them.
    """
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise CorpusError(
            "an annotation file cannot be read",
            got=f"{path}: {fault}",
            wanted="a text file",
            next_step=_RESTORE,
        ) from fault
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding != ENCODINGS[0]:
            log.info("%s is no UTF-8 and is read as %s", path, encoding.upper())
        return text
    raise CorpusError(
        "an annotation file is in no known encoding",
        got=f"{path}: {len(content)} bytes",
        wanted=" or ".join(ENCODINGS),
        next_step=_RESTORE,
    )


def _require_columns(path: Path, header: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name.lower() not in header]
    if missing:
        raise CorpusError(
            f"an annotation table lacks the column {', '.join(missing)}",
            got=f"{path}, line 1: {', '.join(header) or 'no line of column names'}",
            wanted=", ".join(columns),
            next_step=_RESTORE,
        )


def _row(path: Path, line: int, header: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(header):
        raise CorpusError(
            "a line of an annotation table has another length than its head",
            got=f"{path}, line {line}: {len(cells)} cells",
            wanted=f"{len(header)} cells: {', '.join(header)}",
            next_step=_RESTORE,
        )
    return Row(path, line, dict(zip(header, cells, strict=True)))
