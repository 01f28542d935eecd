"""Numbers that others have printed, looked up for a row of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import HarnessError
from harness.record import Record


class Published(NamedTuple):
    """The printed figures that stand beside one row of ours."""

    scores: dict[str, float]
    """metric in capitals (WA, UA, WF1) -> percent, exactly as printed."""
    source: str
    """Paper and table; empty where nothing is published for this row."""


def read_published(results: Path) -> dict[str, Any]:
    """`published.json` of a results folder, else the one of the checkout; empty without either.

    Raises:
        HarnessError: the file is damaged.
    """
    checkout = Path(__file__).resolve().parent.parent.parent / "results"
    for folder in (results, checkout):
        path = folder / "published.json"
        if path.is_file():
            try:
                return dict(json.loads(path.read_text(encoding="utf-8")))
            except ValueError as fault:
                raise HarnessError(
                    "the published numbers cannot be read",
                    got=f"{path}: {fault}",
                    wanted="JSON with sources and records",
                    next_step="restore results/published.json from the project",
                ) from fault
    return {"sources": {}, "records": []}


def published_for(record: Record, published: dict[str, Any], recipe: str | None = None) -> Published:
    """What the papers print for the same recipe, upstream and selection rule.

    Args:
        record: ours.
        published: as `read_published` gives it.
        recipe: another recipe that comes to the very same folds; None means the record's own.
    """
    asked = recipe or record.recipe
    rows = [row for row in published["records"] if stands_beside(row, record, asked)]
    return Published({row["metric"]: float(row["value"]) for row in rows}, _source(rows, published))


def stands_beside(row: dict[str, Any], record: Record, recipe: str) -> bool:
    """Whether a run of ours, by that recipe, is what a published row names in `ours`."""
    ours = row.get("ours")
    return bool(
        ours
        and recipe in ours["recipes"]
        and record.corpus["name"] == ours.get("corpus", record.corpus["name"])
        and record.upstream["name"] == "+".join(models_of(ours))
        and record.protocol["select"] == ours["select"]
        and all(setting(record, key) == value for key, value in ours.get("settings", {}).items())
    )


def models_of(ours: Mapping[str, Any]) -> list[str]:
    """The cards that a published row was made with, in the order in which a record joins their names.

    >>> models_of({"upstream": "wavlm_base", "beside": ["egemaps"], "modality": "speech+text", "text": "bert"})
    ['wavlm_base', 'egemaps', 'bert']
    """
    modality = ours.get("modality", "speech")
    speech = [ours["upstream"], *ours.get("beside", [])] if modality != "text" else []
    return [*speech, *([ours["text"]] if modality != "speech" else [])]


def setting(record: Record, key: str) -> Any:  # noqa: ANN401  whatever the part's own configuration holds
    """What a record says of a setting in the words of the command line; None where its part has none such.

    Args:
        record: ours.
        key: `head`, `task.turns`, `upstream.options.features`.
    """
    part, _, name = key.partition(".")
    facts = record.protocol if part == "split" else getattr(record, part)
    if not name:
        return facts["name"]
    held = facts["options"] if part == "upstream" else facts["settings"]
    return held.get(name.removeprefix("options."))


def _source(rows: Sequence[dict[str, Any]], published: dict[str, Any]) -> str:
    named = {f"{published['sources'][row['source']]['id']}, Table {row['table']}" for row in rows}
    return "; ".join(sorted(named))
