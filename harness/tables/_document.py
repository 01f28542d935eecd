"""A table as lines of pieces, before it becomes Markdown or LaTeX: the paper's rows, ours below each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness import parts
from harness.tables._cells import Block, Cell, Figure, figures
from harness.tables._footnotes import Note, at_column, at_group, at_row, at_title
from harness.tables._layout import Layout, Row
from harness.tables._marks import LEGEND, letters


class Piece(NamedTuple):
    """A text and what hangs on it."""

    text: str
    notes: tuple[str, ...] = ()
    """Letters of footnotes."""
    marks: str = ""
    """Letters of the legend."""
    number: int = 0
    """Of the command that would fill the cell, or of the reason why none can; 0: neither."""


class Line(NamedTuple):
    """A line of the table; one of a single piece is a heading above the lines that follow."""

    pieces: list[Piece]
    heading: bool = False


class Grid(NamedTuple):
    """A block of the table."""

    stubs: list[str]
    headings: list[tuple[Piece, list[str]]]
    """Column titles with the metrics below them."""
    lines: list[Line]

    @property
    def width(self) -> int:
        """How many columns it has: what the row is, whose line it is, and a figure per metric."""
        return len(self.stubs) + 1 + sum(len(metrics) for _, metrics in self.headings)


class Document(NamedTuple):
    """Everything that is shown of a table."""

    title: Piece
    grids: list[Grid]
    legend: dict[str, str]
    """Marks that occur."""
    notes: list[Note]
    remarks: list[str]
    ours: list[str]
    """What is to be said of every run of ours that is shown."""
    remedies: list[Remedy]
    scored: bool


class Remedy(NamedTuple):
    """What fills a cell, or why nothing does."""

    text: str
    command: bool


def document(
    layout: Layout, blocks: Sequence[Block], notes: list[Note], published: Mapping[str, Any]
) -> Document:
    """Lay a table out.

    Args:
        layout: of the table.
        blocks: its cells.
        notes: its footnotes.
        published: all of `results/published.json`.
    """
    empty = [cell for cell in figures(blocks) if cell.ours is None and layout.head.scored]
    remedies = list(dict.fromkeys(_remedy(cell) for cell in empty))
    present = {mark.letter for cell in figures(blocks) if cell.ours for mark in cell.ours.marks}
    paper = published["sources"][layout.head.source]
    title = f"Table {layout.head.number} of {paper['title']} ({paper['id']}): {layout.head.title}"
    return Document(
        Piece(title, at_title(notes)),
        [_grid(layout, block, notes, remedies) for block in blocks],
        {letter: text for letter, text in LEGEND.items() if letter in present},
        notes,
        [*layout.head.notes, *_unsaid(blocks)],
        list(dict.fromkeys(_told(cell.ours) for cell in figures(blocks) if cell.ours)),
        remedies,
        layout.head.scored,
    )


def _remedy(cell: Cell) -> Remedy:
    return Remedy(cell.command, True) if cell.command else Remedy(f"not ours to run: {cell.why}", False)


def _told(ours: Figure) -> str:
    marks = "; ".join(f"{mark.letter}: {mark.text}" for mark in ours.marks)
    return f"{ours.record}: {marks or 'nothing is known to differ from the paper'}"


def _grid(layout: Layout, block: Block, notes: list[Note], remedies: list[Remedy]) -> Grid:
    headings = [(Piece(c.title, at_column(notes, c.title)), c.metrics) for c in block.columns]
    lines = [line for row, cells in block.rows for line in _lines(layout, row, cells, notes, remedies)]
    return Grid([stub.title for stub in layout.stubs], headings, lines)


def _lines(
    layout: Layout, row: Row, cells: list[Cell | None], notes: list[Note], remedies: list[Remedy]
) -> Iterator[Line]:
    if row.group:
        yield Line([Piece(row.group, at_group(notes, row.group))], heading=True)
    first = next(cell for cell in cells if cell)
    names = [Piece(_stub(stub.field, row, first.printed)) for stub in layout.stubs]
    names[0] = names[0]._replace(notes=at_row(notes, row))
    blank = [Piece("") for _ in names]
    printed = [Piece(cell.printed["printed"] if cell else "") for cell in cells]
    yield Line([*names, Piece("published"), *printed])
    if layout.head.scored:
        yield Line([*blank, Piece("ours"), *(_ours(cell, remedies) for cell in cells)])
    if any(cell and cell.ours for cell in cells):
        yield Line([*blank, Piece("difference"), *(_difference(cell) for cell in cells)])


def _stub(field: str, row: Row, printed: Mapping[str, Any]) -> str:
    """What a row is called, or what the paper says of it."""
    value: object = printed.get(field)
    if field in ("", "printed_name"):
        value = row.label or value or row.match.get("system")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _ours(cell: Cell | None, remedies: list[Remedy]) -> Piece:
    if cell is None:
        return Piece("")
    if cell.ours is None:
        return Piece("", number=1 + remedies.index(_remedy(cell)))
    return Piece(figure_text(cell.ours), marks=letters(cell.ours.marks))


def figure_text(ours: Figure) -> str:
    """Value, interval and seeds: `84.12 (80.11 to 88.02), 3 seeds`."""
    limits = "" if ours.low is None or ours.high is None else f" ({ours.low:.2f} to {ours.high:.2f})"
    return f"{ours.value:.2f}{limits}, {ours.seeds} seed{'s' if ours.seeds != 1 else ''}"


def _difference(cell: Cell | None) -> Piece:
    return Piece(f"{cell.ours.difference:+.2f}" if cell and cell.ours else "")


def _unsaid(blocks: Sequence[Block]) -> Iterator[str]:
    """What the paper leaves open and a recipe had to choose, each once."""
    told: dict[str, list[str]] = {}
    recipes = [cell.row.recipe or cell.column.recipe for cell in figures(blocks) if cell.command]
    for recipe in dict.fromkeys(recipes):
        unsaid = _expected(recipe).get("unsaid")
        if unsaid:
            told.setdefault(unsaid, []).append(recipe)
    for unsaid, recipes in told.items():
        yield f"the paper does not say, and {', '.join(recipes)} had to choose: {unsaid}"


def _expected(recipe: str) -> Mapping[str, Any]:
    path = next(path for folder in parts.folders() if (path := folder / f"{recipe}.yaml").is_file())
    return parts.read_yaml(path).get("expected") or {}
