"""Runs of an ablation: what a sweep pre-trained and evaluated, and how far that is from the paper's models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness import record as records
from harness.record import Record
from harness.sweep import PAPER_CORPORA, Outcome, outcomes, table_named
from harness.tables._candidates import Candidate, data_of, of_row, scored
from harness.tables._marks import Mark, marks_of
from harness.tables._sources import Slot, Sources


def of_sweeps(slot: Slot, known: Sources) -> Iterator[Candidate]:
    """Evaluations of the models that were pre-trained for a row of an ablation, under any settings.

    Raises:
        HarnessError: the note about a row, or a record, is damaged.
    """
    rows = table_named(slot.layout.head.ablation).rows
    for outcome in outcomes(known.results, slot.layout.head.ablation):
        row, record = rows.get(outcome.row), _evaluation(outcome, known.results)
        printed_for = row.published if row else None
        if record and printed_for == slot.printed["system"] and scored(record, slot.metric):
            wanted = known.recipes.facts(slot.recipe, {})
            version = known.recipes.composed(record.recipe).version
            told = marks_of(record, wanted, [], data_of(slot, known), version)
            weights = [Mark("W", text) for text in _pretraining(outcome)]
            yield Candidate(record, [*told, *weights, *of_row(slot)])


def _evaluation(outcome: Outcome, results: Path) -> Record | None:
    path = results / "records" / f"{outcome.evaluation}.json"
    return records.load(path) if outcome.evaluation and path.is_file() else None


def _pretraining(outcome: Outcome) -> Iterator[str]:
    """What stands between a model of ours and the paper's."""
    setting, model = outcome.setting, outcome.pretrained
    if not setting["comparable"]:
        yield f"size {setting['size']}, {model.get('parameters', 0) / 1e6:.2f} million parameters"
    heard = [*setting["corpora"], *setting["audio"]]
    if sorted(heard) != sorted(PAPER_CORPORA):
        yield f"pre-trained on {model.get('hours', 0.0):.2f} h of {', '.join(heard)}, not on the paper's 262 h"
    if model.get("stand_in"):
        yield "started from a stand-in, not from the published checkpoint"
    if setting["pretrain"]:
        yield "settings of the pre-training were overridden"
