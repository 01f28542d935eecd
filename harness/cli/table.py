"""`table`: a table of a paper, what is printed beside what is ours."""

from __future__ import annotations

from pathlib import Path

from harness.cli._verb import Verb, say, settings


def _table(words: list[str]) -> None:
    from harness.tables import list_tables, read_layout, write_table

    names = [word for word in words if "=" not in word]
    given = settings([word for word in words if "=" in word], ("results",), "table")
    if not names:
        say(list_tables())
    for name in names:
        read_layout(name)
    for name in names:
        say(write_table(name, Path(str(given.get("results", "results")))))


TABLE = Verb(
    "a table of a paper from the records: published, ours, the difference, and what would fill the rest",
    """python -m harness table [PAPER/NUMBER ...] [results=DIR]

Without a name: lists the tables. With one: Markdown here, and tables/PAPER/NUMBER.md, .tex and .csv under the
results folder. Marks say where protocol, data or weights are not the paper's; cells without a run show the command
that fills them; known misprints of the paper are footnotes.

examples
  python -m harness table
  python -m harness table emotion2vec/4
  python -m harness table emotion2vec/2 emotion2vec/3 results=/data/results""",
    _table,
)
