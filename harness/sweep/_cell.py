"""The story of one cell: pre-train what is missing, evaluate what is missing, and note both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.record import Record
from harness.run import run
from harness.sweep._config import Cell
from harness.sweep._evaluation import evaluation
from harness.sweep._outcome import Outcome, save_outcome, setting_of
from harness.sweep._pretraining import Pretrained, pretrained


def carry_out(cell: Cell) -> None:
    """Do a cell, or find that it is done; a model that was interrupted goes on where it was.

    Raises:
        HarnessError: what pre-training or evaluation may bring; it is noted, and the table names it.
    """
    results = Path(cell.settings.results)
    try:
        model = pretrained(cell)
        save_outcome(results, _outcome(cell, model, run(evaluation(cell, model))))
    except HarnessError as fault:
        save_outcome(results, Outcome(**_what(cell), fault=str(fault)))
        raise


def _outcome(cell: Cell, model: Pretrained, record: Record) -> Outcome:
    kept = ("name", "key", "parameters", "hours", "updates", "epochs", "trained_on", "last", "wall_s")
    facts = {name: model.record[name] for name in kept}
    return Outcome(**_what(cell), pretrained={**facts, "stand_in": model.stand_in}, evaluation=record.stem)


def _what(cell: Cell) -> Mapping[str, Any]:
    return {"ablation": cell.table.name, "row": cell.row_name, "setting": setting_of(cell)}
