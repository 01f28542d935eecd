"""Known misprints as footnotes: each stands where it is printed, and none is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import ascii_lowercase
from typing import Any, NamedTuple

from harness.errors import ConfigError, did_you_mean
from harness.tables._layout import Footnote, Layout, Row

KINDS: Mapping[str, str] = {
    "ocr": "lost in the paper's text version",
    "paper": "the paper's own slip",
    "paper_or_ocr": "the paper's own slip, or lost in its text version",
    "ocr_or_paper": "the paper's own slip, or lost in its text version",
    "paper_suspect": "suspected, not certain",
    "note": "no slip, but easily misread",
}


class Note(NamedTuple):
    """A footnote and the places that it hangs on."""

    letter: str
    text: str
    at: list[Footnote]


def footnotes(layout: Layout, flags: Sequence[Mapping[str, Any]]) -> list[Note]:
    """Every misprint of a table, in the order of the layout; one that it does not place hangs on the title.

    Raises:
        ConfigError: the layout names a misprint, a row, a column or a group that there is not.
    """
    placed = [_checked(layout, one, flags) for one in layout.footnotes]
    named = {(one.of or layout.head.number, one.flag) for one in placed}
    rest = [
        Footnote(flag=flag["printed"])
        for flag in flags
        if flag["table"] == layout.head.number and (flag["table"], flag["printed"]) not in named
    ]
    together: dict[tuple[str, str], list[Footnote]] = {}
    for one in [*rest, *placed]:
        together.setdefault((one.of or layout.head.number, one.flag), []).append(one)
    known = {(flag["table"], flag["printed"]): flag for flag in flags}
    return [
        Note(letter, _text(known[key], layout.head.number), at)
        for letter, (key, at) in zip(ascii_lowercase, together.items(), strict=False)
    ]


def _checked(layout: Layout, one: Footnote, flags: Sequence[Mapping[str, Any]]) -> Footnote:
    """The footnote itself, if everything that it names exists."""
    columns = [column.title for block in layout.blocks for column in block]
    groups, rows = [row.group for row in layout.rows], [row.match for row in layout.rows]
    of = one.of or layout.head.number
    printed = [flag["printed"] for flag in flags if flag["table"] == of]
    for named, known in ((one.flag, printed), (one.column, ["", *columns]), (one.group, ["", *groups])):
        if named not in known:
            raise _fault(layout, named, did_you_mean(named, known))
    if one.row and one.row not in rows:
        raise _fault(layout, str(one.row), "the match of a row")
    return one


def _fault(layout: Layout, got: str, wanted: str) -> ConfigError:
    return ConfigError(
        f"a footnote of {layout.name} hangs on nothing",
        got=got,
        wanted=wanted,
        next_step=f"mend recipes/table/{layout.name}.yaml; the misprints are in results/published.json",
    )


def _text(flag: Mapping[str, Any], number: str) -> str:
    where = "Printed: " if flag["table"] == number else f"Printed in {_place(flag['table'])}: "
    return f"{where}{flag['printed']}. Rather: {flag['reading']} ({flag['why']}; {KINDS[flag['kind']]})."


def _place(table: str) -> str:
    if table.isdigit():
        return f"Table {table}"
    return "the running text" if table == "text" else f"section {table}"


def at_title(notes: Sequence[Note]) -> tuple[str, ...]:
    """Letters that hang on the table as a whole."""
    return _letters(notes, lambda one: not (one.row or one.column or one.group))


def at_column(notes: Sequence[Note], title: str) -> tuple[str, ...]:
    """Letters of a heading."""
    return _letters(notes, lambda one: bool(title) and one.column == title)


def at_group(notes: Sequence[Note], group: str) -> tuple[str, ...]:
    """Letters of a heading above rows."""
    return _letters(notes, lambda one: bool(group) and one.group == group)


def at_row(notes: Sequence[Note], row: Row) -> tuple[str, ...]:
    """Letters of a system."""
    return _letters(notes, lambda one: bool(one.row) and one.row == row.match)


def _letters(notes: Sequence[Note], hangs: Callable[[Footnote], bool]) -> tuple[str, ...]:
    return tuple(note.letter for note in notes if any(hangs(one) for one in note.at))
