"""Every cell of a table: what is printed, what is ours, what is marked, and what would fill it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness.errors import ConfigError
from harness.tables._candidates import SCORES, Candidate, best, of_runs
from harness.tables._commands import run_command, sweep_command
from harness.tables._layout import Column, Layout, Row
from harness.tables._marks import Mark
from harness.tables._sources import Slot, Sources
from harness.tables._swept import of_sweeps


class Figure(NamedTuple):
    """A number of ours, in percent."""

    value: float
    low: float | None
    high: float | None
    seeds: int
    difference: float
    """Ours less the printed one, in points."""
    marks: list[Mark]
    record: str
    """Stem of the record that holds it."""


class Cell(NamedTuple):
    """One figure of the paper's table."""

    row: Row
    column: Column
    metric: str
    printed: Mapping[str, Any]
    """The published record."""
    ours: Figure | None
    command: str
    """What fills the cell; empty where nothing of ours can."""
    why: str
    """Why nothing of ours can fill it; empty where something can."""


class Block(NamedTuple):
    """Columns that stand side by side; a paper leaves some systems out of some blocks."""

    columns: list[Column]
    rows: list[tuple[Row, list[Cell | None]]]
    """Cells in the order of the columns and their metrics; None where the paper prints nothing."""


def blocks(layout: Layout, known: Sources) -> list[Block]:
    """The table, block by block.

    Raises:
        ConfigError: the layout names a row that the paper does not print, or one that it prints twice.
    """
    made = [_block(layout, columns, known) for columns in layout.blocks]
    shown = [row for block in made for row, _ in block.rows]
    for row in layout.rows:
        if row not in shown:
            raise _fault(layout, row, "nothing")
    return made


def _block(layout: Layout, columns: list[Column], known: Sources) -> Block:
    rows = []
    for row in layout.rows:
        cells = [_cell(layout, row, column, metric, known) for column in columns for metric in column.metrics]
        if any(cells):
            rows.append((row, cells))
    return Block(columns, rows)


def _cell(layout: Layout, row: Row, column: Column, metric: str, known: Sources) -> Cell | None:
    wanted = {**column.match, **row.match, "metric": metric}
    found = [
        one
        for one in known.published["records"]
        if (one["source"], str(one["table"])) == (layout.head.source, layout.head.number)
        and all(one.get(key) == value for key, value in wanted.items())
    ]
    if len(found) > 1:
        raise _fault(layout, row, f"{len(found)} figures for {column.title} {metric}")
    return _filled(Slot(layout, row, column, found[0]), known) if found else None


def _filled(slot: Slot, known: Sources) -> Cell:
    chosen = best(list(_candidates(slot, known)))
    ours = _figure(chosen, slot.metric, float(slot.printed["value"])) if chosen else None
    command = _command(slot, known)
    return Cell(
        slot.row, slot.column, slot.metric, slot.printed, ours, command, "" if command else slot.row.why
    )


def _candidates(slot: Slot, known: Sources) -> Iterator[Candidate]:
    if slot.layout.head.ablation:
        yield from of_sweeps(slot, known)
    if slot.ours:
        yield from of_runs(slot, known)


def _command(slot: Slot, known: Sources) -> str:
    """What fills a cell; empty where the layout says why nothing does."""
    if slot.layout.head.ablation:
        return sweep_command(slot.layout.head.ablation, str(slot.printed["system"]))
    if slot.ours:
        return run_command(slot.recipe, slot.ours, slot.column.root, known.recipes)
    if slot.layout.head.scored and not slot.row.why:
        told = f"{slot.column.title} {slot.metric}, which has neither `ours` nor a reason"
        raise _fault(slot.layout, slot.row, told)
    return ""


def _figure(chosen: Candidate, metric: str, printed: float) -> Figure:
    score = chosen.record.scores["metrics"][SCORES[metric]]
    limits = score["fold_mean_interval"]
    low, high = (None if limits[end] is None else 100 * limits[end] for end in ("low", "high"))
    value = 100 * score["fold_mean"]
    seeds = len(chosen.record.seeds)
    return Figure(value, low, high, seeds, value - printed, chosen.marks, chosen.record.stem)


def _fault(layout: Layout, row: Row, got: str) -> ConfigError:
    return ConfigError(
        f"the layout of {layout.name} does not fit the published numbers",
        got=f"{dict(row.match)} matches {got}",
        wanted="one printed figure per cell, and a row of the paper per row",
        next_step=f"mend recipes/table/{layout.name}.yaml or results/published.json",
    )


def figures(made: Sequence[Block]) -> list[Cell]:
    """Every cell that the paper prints, in reading order."""
    return [cell for block in made for _, cells in block.rows for cell in cells if cell]
