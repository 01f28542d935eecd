"""What a table is filled from, and the one place of it that is being filled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from harness import record as records
from harness.board import read_published
from harness.errors import HarnessError
from harness.record import Record
from harness.tables._layout import Column, Layout, Row
from harness.tables._recipes import Recipes


class Sources(NamedTuple):
    """Everything under a results folder that a table may show."""

    results: Path
    published: Mapping[str, Any]
    records: list[Record]
    recipes: Recipes


class Slot(NamedTuple):
    """Where a printed figure stands."""

    layout: Layout
    row: Row
    column: Column
    printed: Mapping[str, Any]
    """The published record."""

    @property
    def recipe(self) -> str:
        """The recipe that follows the paper most closely."""
        return self.row.recipe or self.column.recipe

    @property
    def ours(self) -> Mapping[str, Any]:
        """The run of ours that the published record names; empty without one."""
        return self.printed.get("ours") or {}

    @property
    def metric(self) -> str:
        """As the paper prints it."""
        return str(self.printed["metric"])


def sources(results: Path) -> Sources:
    """Read a results folder.

    Raises:
        HarnessError: a record or the published numbers are damaged, or there are no published numbers.
    """
    published = read_published(results)
    if not published["records"]:
        raise HarnessError(
            "there are no published numbers to make a table of",
            got=f"no published.json in {results}",
            wanted="results/published.json of the project",
            next_step="run from a checkout, or copy its results/published.json into the results folder",
        )
    return Sources(results, published, records.load_all(results), Recipes())
