"""What became of a cell, on disk: a table can be made of cells that other processes or other days have done."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.paths import write_text
from harness.record import run_key
from harness.sweep._config import Cell

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One cell: the model and the evaluation, or why there is none."""

    ablation: str
    row: str
    setting: dict[str, Any]
    """What all rows of its table share, without places on this machine."""
    pretrained: dict[str, Any] = field(default_factory=dict)
    """Name, parameters, hours, updates and last figures of the model, and what stood in at its start."""
    evaluation: str = ""
    """Stem of the evaluation's record."""
    fault: str = ""
    """Why the row is missing; empty where it is not."""
    written: str = ""
    schema: int = SCHEMA

    @property
    def setting_key(self) -> str:
        """Names the settings."""
        return run_key(self.setting)[:8]


def setting_of(cell: Cell) -> dict[str, Any]:
    """What the rows of a table share, so that they may stand under each other."""
    shared = cell.settings
    return {
        "size": shared.size,
        "comparable": shared.comparable,
        "corpora": shared.trained_corpora,
        "audio": [Path(folder).expanduser().resolve().name for folder in shared.folders],
        "init": {start: Path(path).name for start, path in shared.init.items() if path},
        "forms": {name: dataclasses.asdict(form) for name, form in cell.forms.items()},
        "stand_ins": {name: dataclasses.asdict(form) for name, form in cell.stand_ins.items()},
        "pretrain": shared.pretrain,
        "evaluate": shared.evaluate,
        "seed": shared.seed,
    }


def save_outcome(results: Path, outcome: Outcome) -> None:
    """Write a cell, whole or not at all, in place of what was known of it."""
    stamped = dataclasses.replace(outcome, written=now())
    name = f"{outcome.ablation}--{outcome.setting_key}--{outcome.row}.json"
    write_text(_folder(results) / name, json.dumps(dataclasses.asdict(stamped), indent=1) + "\n")


def outcomes(results: Path, ablation: str) -> list[Outcome]:
    """Every cell of a table that is known, under any settings.

    Raises:
        HarnessError: a file is damaged.
    """
    found = []
    for path in sorted(_folder(results).glob(f"{ablation}--*.json")):
        try:
            found.append(Outcome(**json.loads(path.read_text(encoding="utf-8"))))
        except (ValueError, TypeError) as fault:
            raise HarnessError(
                "the note about a row cannot be read",
                got=f"{path}: {fault}",
                wanted="a JSON file that a sweep wrote",
                next_step="delete it and sweep again; recorded models and evaluations are not made again",
            ) from fault
    return found


def refuse_faults(ablation: str, results: Path, since: str) -> None:
    """Rows that failed in other processes fail the sweep, as those in this one do.

    Raises:
        HarnessError: some row failed since then.
    """
    failed = [one for one in outcomes(results, ablation) if one.fault and one.written >= since]
    if failed:
        raise HarnessError(
            f"{len(failed)} rows of {ablation} failed",
            got="; ".join(f"{one.row}: {one.fault.splitlines()[0]}" for one in failed),
            wanted="rows that can be pre-trained and evaluated",
            next_step="mend those and sweep again; what is done is not done again",
        )


def _folder(results: Path) -> Path:
    return results / "ablations" / "cells"


def now() -> str:
    """The time in UTC, fine enough to tell this sweep's cells from the last one's."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
