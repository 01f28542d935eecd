"""From a recipe in `recipes/ablation/` and overrides to the typed cell of one job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness import config, parts
from harness.errors import ConfigError, did_you_mean
from harness.sweep._config import Cell, Form, Row, Settings, Table

FOLDER = "ablation"
SIZE = "size"
VALUES = ("row",)
"""Keys of the recipe that Hydra's sweeper sets; with any other the typed settings say what is wrong."""


def ablation_names() -> list[str]:
    """The tables that can be swept."""
    return parts.part_names(FOLDER)


def check_names(ablation: str, overrides: Sequence[str]) -> None:
    """Refuse an unknown table or size by name, before Hydra answers with a list of search paths.

    Raises:
        UnknownNameError: there is no such table or size.
    """
    parts.require("ablation", ablation, ablation_names())
    for word in overrides:
        if word.startswith(f"{SIZE}="):
            for name in word.partition("=")[2].split(","):
                parts.require(SIZE, name, parts.part_names(f"{FOLDER}/{SIZE}"))


def hydra_words(overrides: Sequence[str]) -> list[str]:
    """The words as Hydra takes them: `size` lies in a folder of its own, and unknown keys are let in."""
    return [_hydra_word(word) for word in overrides]


def _hydra_word(word: str) -> str:
    key = word.partition("=")[0]
    if key == SIZE:
        return f"{FOLDER}/{word}"
    if key == "corpus.root":
        return f"++corpus_root={word.partition('=')[2]}"
    as_it_is = word[:1] in "+~-" or key in VALUES or key.startswith(("hydra.", "hydra/"))
    return word if as_it_is else f"++{word}"


def from_mapping(ablation: str, composed: Mapping[str, Any]) -> Cell:
    """A typed cell from a composed recipe.

    Raises:
        ConfigError: a setting is misspelt, missing or of the wrong type, or the table has no such row.
    """
    plain = dict(composed)
    table, row = _table(ablation, plain.pop("table")), str(plain.pop("row"))
    if row not in table.rows:
        raise ConfigError(
            f"the table {ablation} has no such row",
            got=row,
            wanted=did_you_mean(row, table.rows),
            next_step=f"set row={','.join(table.rows)}, or leave it out for all of them",
        )
    forms, stand_ins = (_forms(part, plain.pop(part)) for part in ("forms", "stand_ins"))
    return Cell(table, row, config.build(Settings, plain, where=ablation), forms, stand_ins)


def table_named(ablation: str) -> Table:
    """A table as its recipe lists it, read without Hydra.

    Raises:
        UnknownNameError: there is no such table.
        ConfigError: its YAML is wrong.
    """
    return _table(ablation, parts.read_part(FOLDER, ablation)["table"])


def _table(ablation: str, facts: Mapping[str, Any]) -> Table:
    rows = {
        name: config.build(Row, row, where=f"{ablation}.rows.{name}") for name, row in facts["rows"].items()
    }
    return Table(ablation, str(facts["number"]), facts["about"], facts["source"], rows)


def _forms(part: str, forms: Mapping[str, Any]) -> dict[str, Form]:
    return {name: config.build(Form, form, where=f"{part}.{name}") for name, form in forms.items()}
