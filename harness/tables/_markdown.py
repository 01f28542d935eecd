"""A table as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.tables._document import Document, Grid, Line, Piece

HEAD = (
    "Written by `python -m harness table {name}`; do not edit. Published figures are others', as printed, and "
    "never ours."
)
HOW_TO_READ = (
    "Percent. Ours are means of the folds, with 95 % intervals over speakers. A number in brackets leads to the "
    "command that fills the cell, in which /data and /weights stand for your own folders; capital letters are "
    "explained below the table."
)


def markdown(name: str, shown: Document) -> str:
    """The whole page of a table."""
    return "\n".join(_page(name, shown)).rstrip("\n") + "\n"


def _page(name: str, shown: Document) -> Iterator[str]:
    how = f" {HOW_TO_READ}" if shown.scored else ""
    yield from (f"# {_text(shown.title)}", "", HEAD.format(name=name) + how, "")
    for grid in shown.grids:
        yield from (*_grid(grid), "")
    yield from _section("Marks", [f"- **{letter}**: {text}" for letter, text in shown.legend.items()])
    yield from _section("Runs of ours", [f"- {text}" for text in shown.ours])
    yield from _section("Remarks", [f"- {text}" for text in shown.remarks])
    yield from _section("To fill the cells", _remedies(shown))
    yield from _section("Misprints", [f"[^{note.letter}]: {_plain(note.text)}" for note in shown.notes])


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from (f"## {title}", "", *lines, "")


def _remedies(shown: Document) -> list[str]:
    return [
        f"{number}. `{remedy.text}`" if remedy.command else f"{number}. {remedy.text}"
        for number, remedy in enumerate(shown.remedies, start=1)
    ]


def _grid(grid: Grid) -> Iterator[str]:
    titles = [
        f"{_text(heading)} {metric}".strip() for heading, metrics in grid.headings for metric in metrics
    ]
    yield _row([*grid.stubs, "", *titles])
    yield _row(["---"] * grid.width)
    for line in grid.lines:
        yield _row(_cells(line, grid.width))


def _cells(line: Line, width: int) -> list[str]:
    if line.heading:
        return [f"*{_text(line.pieces[0])}*", *[""] * (width - 1)]
    return [_text(piece) for piece in line.pieces]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _text(piece: Piece) -> str:
    words = [_plain(piece.text)] if piece.text else []
    words += [f"**{piece.marks}**"] if piece.marks else []
    words += [f"[{piece.number}]"] if piece.number else []
    return " ".join(words) + "".join(f"[^{letter}]" for letter in piece.notes)


def _plain(text: str) -> str:
    """Text whose stars and bars mean nothing."""
    return text.replace("|", r"\|").replace("*", r"\*")
