"""The story of a table: layout, cells, footnotes, and three files."""

from __future__ import annotations

from pathlib import Path

from harness.paths import write_text
from harness.tables._cells import blocks
from harness.tables._csv import csv_text
from harness.tables._document import document
from harness.tables._footnotes import footnotes
from harness.tables._latex import latex
from harness.tables._layout import read_layout, table_names
from harness.tables._markdown import markdown
from harness.tables._sources import sources


def write_table(name: str, results: Path) -> str:
    """Write `tables/PAPER/NUMBER.md`, `.tex` and `.csv` below a results folder; returns the Markdown.

    Args:
        name: PAPER/NUMBER.
        results: folder of records; its `published.json`, or else the project's, holds the printed figures.

    Raises:
        UnknownNameError: there is no table of that name.
        HarnessError: a record or the published numbers are damaged, or the layout does not fit them.
    """
    layout = read_layout(name)
    known = sources(results)
    made = blocks(layout, known)
    notes = footnotes(
        layout, [one for one in known.published["flags"] if one["source"] == layout.head.source]
    )
    shown = document(layout, made, notes, known.published)
    stem, text = results / "tables" / name, markdown(name, shown)
    write_text(stem.with_name(f"{stem.name}.md"), text)
    write_text(stem.with_name(f"{stem.name}.tex"), latex(name, shown))
    write_text(stem.with_name(f"{stem.name}.csv"), csv_text(layout, made, notes))
    return text


def list_tables() -> str:
    """Every table that can be made, and what it is."""
    heads = {name: read_layout(name).head for name in table_names()}
    width = max(map(len, heads), default=0)
    return "\n".join(f"{name:<{width}}  {head.title}" for name, head in heads.items())
