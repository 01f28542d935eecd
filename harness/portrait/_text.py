"""The portrait for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.portrait._portrait import Portrait
from harness.portrait._tables import copies_line, copy_table, group_tables, shortcut_table

if TYPE_CHECKING:
    import pandas as pd

MOST_GROUPS = 20
MOST_COPIES = 12


def text(portrait: Portrait) -> str:
    """Tables per group, shortcuts in numbers and words, copies; the same portrait gives the same text."""
    return "\n".join(_lines(portrait))


def _lines(portrait: Portrait) -> Iterator[str]:
    yield f"{portrait.facts.title}: {len(portrait.traits)} utterances"
    yield from (f"note: {note}" for note in portrait.notes)
    for by, table, more in group_tables(portrait, MOST_GROUPS):
        yield f"\n{_aligned(table)}"
        if more:
            yield f"  the largest; {more} more {by} rows are in stats.csv"
    yield "\nWhat tells the label without the voice"
    if portrait.cues.reports:
        yield _aligned(shortcut_table(portrait))
    yield from (f"- {line}" for line in portrait.sentences)
    yield from (f"- not asked: {line}" for line in portrait.cues.not_asked)
    yield f"\n{portrait.method}"
    yield f"\nCopies\n{copies_line(portrait)}"
    if len(portrait.copies):
        yield _aligned(copy_table(portrait, MOST_COPIES))


def _aligned(table: pd.DataFrame) -> str:
    """Names to the left, figures to the right."""
    rows = [list(table.columns), *table.astype(str).to_numpy().tolist()]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    left = [not _is_figures(table[name].tolist()) for name in table.columns]
    return "\n".join(
        "  "
        + "  ".join(
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in rows
    )


def _is_figures(cells: list[str]) -> bool:
    return all(cell.lstrip("-").replace(".", "", 1).isdigit() for cell in cells if cell)
