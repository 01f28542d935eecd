"""Score minus leak: the same predictions, scored again on the test examples that no leak touches.

No model is trained: the examples that share something with training are left out of the test part, one kind of
leak at a time, and then all kinds at once. Other examples may be easier or harder for other reasons, so both
figures stand side by side with their numbers of examples and intervals; their difference is a hint, not a
proof. A fold of which nothing is left drops out of the fold mean.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.doctor._kinds import Kind
from harness.doctor.diagnosis import Diagnosis
from harness.errors import SplitError
from harness.predictions import Predictions
from harness.statistics import Scores, score

if TYPE_CHECKING:
    import pandas as pd

MILD = (Kind.SESSION, Kind.SENTENCE)
"""Kinds that leave little or nothing of an acted corpus with fixed sentences."""


@dataclass(frozen=True, kw_only=True)
class Rescored:
    """The score of what is left without one kind of leak, or without several."""

    without: str
    """Title of the kind, or of the kinds together."""
    examples: int
    """Test examples left, of all folds together."""
    removed: int
    folds: int
    """Folds with anything left."""
    scores: Scores | None
    """None where nothing is left."""
    note: str
    """Why there is no score, or what makes it less than it seems."""


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """One run with and without its leaks."""

    run: str
    examples: int
    scores: Scores
    """Of everything, as a run reports it."""
    without: tuple[Rescored, ...]
    not_examined: tuple[str, ...]
    """Kinds of leak that may still be in every figure."""


def fits(predictions: Predictions, diagnosis: Diagnosis) -> bool:
    """Whether these are predictions of these folds: the same names, and per fold the same test ids."""
    ids = predictions.table.groupby("fold")["id"].agg(set)
    return {str(fold): names for fold, names in ids.items()} == {
        fold: set(names) for fold, names in diagnosis.tests.items()
    }


def score_minus_leak(
    predictions: Predictions,
    diagnosis: Diagnosis,
    *,
    run: str = "",
    metrics: Sequence[str] | None = None,
    resamples: int = 2000,
) -> Cleaned:
    """Score predictions as they are, without each kind of leak, and without any.

    Args:
        predictions: of one run on the folds of the diagnosis.
        diagnosis: of those folds.
        run: what to call it; empty takes the name that the predictions carry.
        metrics: names; None means every registered one.
        resamples: draws of speakers behind each interval.

    Raises:
        SplitError: the predictions are of other folds.
        MetricError: they are of several runs, or the seeds did not predict the same examples.
    """
    if not fits(predictions, diagnosis):
        raise _other_folds(predictions, diagnosis)
    scored = _Run(predictions, diagnosis, metrics, resamples)
    whole = scored.score(predictions.table)
    return Cleaned(
        run=run or str(predictions.table["run"].iloc[0]),
        examples=whole.examples,
        scores=whole,
        without=tuple(_rescored(*pair, scored, whole) for pair in _combinations(diagnosis).items()),
        not_examined=tuple(kind.heading for kind in diagnosis.not_examined),
    )


@dataclass(frozen=True)
class _Run:
    """Predictions with what they are scored by."""

    predictions: Predictions
    diagnosis: Diagnosis
    metrics: Sequence[str] | None
    resamples: int

    def score(self, table: pd.DataFrame) -> Scores:
        """Scores of some of the rows."""
        part = replace(self.predictions, table=table)
        return score(part, metrics=self.metrics, resamples=self.resamples)

    def without(self, kinds: Collection[Kind]) -> pd.DataFrame:
        """The rows that no leak of these kinds touches."""
        table, leaks = self.predictions.table, self.diagnosis.leaks
        leaked = {(fold, name) for fold, found in leaks.items() for kind in kinds for name in found[kind]}
        return table[[row not in leaked for row in zip(table["fold"], table["id"], strict=True)]]


def _combinations(diagnosis: Diagnosis) -> dict[str, tuple[Kind, ...]]:
    """What is left out: each kind by itself, all but the mild ones, all."""
    kinds = [one.kind for one in diagnosis.together]
    grave = tuple(kind for kind in kinds if kind not in MILD)
    together = {"any of these": tuple(kinds)}
    if len(grave) < len(kinds):
        together = {"any but " + " and ".join(k.heading for k in kinds if k in MILD): grave, **together}
    return {**{kind.heading: (kind,) for kind in kinds}, **together}


def _rescored(title: str, kinds: Collection[Kind], run: _Run, whole: Scores) -> Rescored:
    table = run.without(kinds)
    left = len(table) // len(whole.seeds)
    if left == whole.examples:
        scores: Scores | None = whole
    else:
        scores = run.score(table) if left else None
    folds = int(table["fold"].nunique())
    return Rescored(
        without=title,
        examples=left,
        removed=whole.examples - left,
        folds=folds,
        scores=scores,
        note=_note(scores, whole, folds),
    )


def _note(clean: Scores | None, whole: Scores, folds: int) -> str:
    if clean is None:
        return "nothing is left: every test example is touched"
    if clean is whole:
        return "nothing to leave out"
    faults = []
    if folds < len(whole.folds):
        faults.append(f"{len(whole.folds) - folds} folds have nothing left")
    absent = [
        name
        for name, before, after in zip(
            whole.classes, whole.confusion or (), clean.confusion or (), strict=False
        )
        if sum(before) and not sum(after)
    ]
    if absent:
        faults.append(f"no example of {', '.join(absent)} is left")
    return "; ".join(faults)


def _other_folds(predictions: Predictions, diagnosis: Diagnosis) -> SplitError:
    found = sorted(set(predictions.table["fold"]))
    return SplitError(
        "these predictions are of other folds",
        got=f"folds {', '.join(found[:5])} with {predictions.table['id'].nunique()} examples",
        wanted=f"folds {', '.join(list(diagnosis.tests)[:5])} with the test ids of {diagnosis.fingerprint[:24]}",
        next_step="audit with the recipe and the settings that the predictions were made with",
    )
