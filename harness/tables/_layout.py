"""How a paper's table is laid out: rows, columns, and what fills them; `recipes/table/PAPER/NUMBER.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from harness import config, parts
from harness.errors import UnknownNameError, did_you_mean

FOLDER = "table"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One heading of the table, with a figure per metric below it."""

    title: str
    metrics: list[str]
    """As `results/published.json` names them, in the paper's order."""
    match: dict[str, str] = field(default_factory=dict)
    """Fields of the published records that belong here: dataset, mostly."""
    recipe: str = ""
    """The recipe that follows the paper most closely; rows may name another."""
    root: str = ""
    """What the shown commands give for `corpus.root`."""
    examples: int | None = None
    """How many examples the paper's figures rest on; None: the utterances of its table of corpora, 0: unsaid."""
    counted_as: str | None = None
    """The corpus in the paper's table of corpora; None: as the published records call it, empty: not there."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One system of the table."""

    match: dict[str, str]
    """Fields of the published records that belong here: system, and what tells rows of one name apart."""
    label: str = ""
    group: str = ""
    """A heading above this row and those that follow it."""
    recipe: str = ""
    marks: dict[Literal["P", "D", "W"], str] = field(default_factory=dict)
    """What keeps every run of ours from being the printed measurement, whatever its settings."""
    why: str = ""
    """Why nobody can fill this row with a command of ours."""


@dataclass(frozen=True, kw_only=True)
class Stub:
    """A column that says what a row is, not what it scored."""

    title: str
    field: str = ""
    """Of the published record; empty: the row's own label."""


@dataclass(frozen=True, kw_only=True)
class Footnote:
    """Where a known misprint is told."""

    flag: str
    """What is printed, as `flags` of `results/published.json` has it."""
    of: str = ""
    """The table or section that it is printed in; empty: this one."""
    row: dict[str, str] = field(default_factory=dict)
    column: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a table says of itself."""

    source: str
    """Key of the paper in `results/published.json`."""
    number: str
    title: str
    corpora_table: str = ""
    """Number of the paper's table that counts its corpora."""
    ablation: str = ""
    """The sweep in `recipes/ablation/` whose rows these are."""
    scored: bool = True
    """False: it holds facts, not scores, so that no run of ours belongs into it."""
    notes: list[str] = field(default_factory=list)


class Layout(NamedTuple):
    """A table as the paper prints it."""

    name: str
    """PAPER/NUMBER."""
    head: Head
    stubs: list[Stub]
    blocks: list[list[Column]]
    """Columns that stand side by side; a wide table is printed in several blocks."""
    rows: list[Row]
    footnotes: list[Footnote]


def table_names() -> list[str]:
    """Every table that has a layout, by paper and number."""
    found = {
        f"{path.parent.name}/{path.stem}"
        for folder in parts.folders()
        for path in (folder / FOLDER).glob("*/*.yaml")
    }
    return sorted(found, key=_by_number)


def _by_number(name: str) -> tuple[str, int, str]:
    paper, number = name.split("/")
    return paper, int(number) if number.isdigit() else 0, number


def read_layout(name: str) -> Layout:
    """The layout of a table.

    Raises:
        UnknownNameError: there is none of that name, or it names a recipe that there is not.
        ConfigError: its YAML is wrong.
    """
    values = parts.read_yaml(_path(name))
    tables = {key: values.pop(key, []) for key in ("stubs", "blocks", "rows", "footnotes")}
    made = Layout(
        name,
        config.build(Head, values, where=name),
        _each(Stub, tables["stubs"], f"{name}.stubs") or [Stub(title="Model")],
        [_each(Column, block, f"{name}.blocks") for block in tables["blocks"]],
        _each(Row, tables["rows"], f"{name}.rows"),
        _each(Footnote, tables["footnotes"], f"{name}.footnotes"),
    )
    _check_recipes(made)
    return made


def _check_recipes(layout: Layout) -> None:
    known = parts.recipe_names()
    columns = [column for block in layout.blocks for column in block]
    for recipe in [*(row.recipe for row in layout.rows), *(column.recipe for column in columns)]:
        if recipe:
            parts.require("recipe", recipe, known)


def _each(kind: type[T], values: list[Mapping[str, Any]], where: str) -> list[T]:
    return [config.build(kind, value, where=f"{where}.{place}") for place, value in enumerate(values)]


def _path(name: str) -> Path:
    if name not in (known := table_names()):
        raise UnknownNameError(
            f"there is no table called {name}",
            got=name,
            wanted=did_you_mean(name, known),
            next_step="python -m harness table   lists them",
        )
    return next(path for folder in parts.folders() if (path := folder / FOLDER / f"{name}.yaml").is_file())
