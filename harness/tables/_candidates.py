"""Which runs of ours may stand in a cell, and which one does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.board import stands_beside
from harness.record import Record
from harness.tables._marks import Data, Mark, allowed_mean_s, letters, marks_of
from harness.tables._sources import Slot, Sources

SCORES: Mapping[str, str] = {"WA": "wa", "UA": "ua", "UAR": "ua", "WF1": "wf1", "MacroF1": "macro_f1"}
"""metric as the papers print it -> ours. UAR is the mean of the recalls, as UA is."""


class Candidate(NamedTuple):
    """A run that could stand in a cell."""

    record: Record
    marks: list[Mark]


def of_runs(slot: Slot, known: Sources) -> Iterator[Candidate]:
    """Records by a recipe, upstream, selection rule and settings that the published row names in `ours`.

    The marks say where a record departs from the recipe that follows the paper most closely.
    """
    for record in known.records:
        if stands_beside(dict(slot.printed), record, record.recipe) and scored(record, slot.metric):
            wanted = known.recipes.facts(slot.recipe, slot.ours)
            version = known.recipes.composed(record.recipe).version
            told = marks_of(record, wanted, known.recipes.cards(slot.ours), data_of(slot, known), version)
            yield Candidate(record, [*told, *of_row(slot)])


def of_row(slot: Slot) -> Iterator[Mark]:
    """What the layout says of every run in a row."""
    yield from (Mark(letter, text) for letter, text in slot.row.marks.items())


def scored(record: Record, metric: str) -> bool:
    """Whether a record holds the metric."""
    return SCORES.get(metric) in record.scores["metrics"]


def data_of(slot: Slot, known: Sources) -> Data:
    """What the paper counts behind a figure, from its own table of corpora."""
    counted_as = slot.column.counted_as
    named = slot.printed["dataset"] if counted_as is None else counted_as
    head = slot.layout.head
    counts = {
        one["metric"]: float(one["value"])
        for one in known.published["records"]
        if (one["source"], str(one["table"]), one["dataset"]) == (head.source, head.corpora_table, named)
    }
    utterances, hours = counts.get("n_utterances"), counts.get("hours")
    examples = slot.column.examples if slot.column.examples is not None else utterances
    mean_s = allowed_mean_s(int(utterances), hours) if utterances and hours else None
    corpus = slot.ours.get("corpus") or known.recipes.composed(slot.recipe).corpus.name
    return Data(corpus, int(examples) if examples else None, mean_s)


def best(candidates: Sequence[Candidate]) -> Candidate | None:
    """The run with the fewest marks, then the most seeds, then the newest; None without one."""
    newest_first = sorted(candidates, key=lambda one: (one.record.created, one.record.stem), reverse=True)
    return min(newest_first, key=_preference, default=None)


def _preference(candidate: Candidate) -> tuple[int, int, int]:
    return len(letters(candidate.marks)), len(candidate.marks), -len(candidate.record.seeds)
