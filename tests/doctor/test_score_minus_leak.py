"""The same predictions scored again: against scoring the clean rows by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.contracts import Example, Fold
from harness.doctor import Diagnosis, Kind, diagnose, score_minus_leak
from harness.doctor.clean import Rescored
from harness.errors import SplitError
from harness.predictions import Predictions, concatenate, predictions_of
from harness.statistics import score

CLASSES = ("joy", "sad")


def rows() -> list[dict[str, Any]]:
    """Five speakers with twelve clips each; the first of every speaker says what another speaker says too."""
    return [
        {
            "id": f"{speaker}{take:02d}",
            "speaker": speaker,
            "label": CLASSES[take % 2],
            "sentence": "common" if take < 2 else f"{speaker} own {take}",
        }
        for speaker in "abcde"
        for take in range(12)
    ]


@pytest.fixture
def examined(crowd: Callable[..., Any], cut: Any) -> tuple[list[Example], Diagnosis]:
    """Two folds; speaker c is on both sides of the first, all say the common sentence."""
    manifest, examples = crowd(*rows())
    ids = {speaker: [e.id for e in examples if e.speaker == speaker] for speaker in "abcde"}
    folds = cut(
        examples,
        Fold("one", tuple(ids["d"] + ids["e"] + ids["c"][6:]), (), tuple(ids["a"] + ids["b"] + ids["c"][:6])),
        Fold("two", tuple(ids["a"] + ids["b"]), (), tuple(ids["d"] + ids["e"])),
    )
    return examples, diagnose(manifest, examples, folds, CLASSES, None)


def predicted(examples: list[Example], diagnosis: Diagnosis, seeds: tuple[int, ...] = (0, 1)) -> Predictions:
    """Right for three in four, by chance."""
    rng = np.random.default_rng(0)
    parts = []
    for seed in seeds:
        for fold, ids in diagnosis.tests.items():
            tested = [example for example in examples if example.id in ids]
            truth = np.array([CLASSES.index(example.target) for example in tested])
            guess = np.where(rng.random(len(tested)) < 0.75, truth, 1 - truth)
            logits = np.eye(2, dtype=np.float32)[guess]
            parts.append(predictions_of(tested, logits, classes=CLASSES, run="r", fold=fold, seed=seed))
    return concatenate(parts)


def without(rescored: tuple[Rescored, ...], title: str) -> Rescored:
    return next(one for one in rescored if one.without == title)


def test_equals_the_score_of_the_clean_rows(examined: tuple[list[Example], Diagnosis]) -> None:
    examples, diagnosis = examined
    predictions = predicted(examples, diagnosis)
    cleaned = score_minus_leak(predictions, diagnosis, metrics=["wa", "ua"], resamples=50)
    by_hand = predictions.table[predictions.table["speaker"] != "c"]
    expected = score(Predictions(by_hand, CLASSES), metrics=["wa", "ua"], resamples=50)
    found = without(cleaned.without, "speakers")
    assert (cleaned.examples, found.examples, found.removed) == (54, 48, 6)
    assert found.scores == expected
    assert cleaned.scores == score(predictions, metrics=["wa", "ua"], resamples=50)


def test_all_kinds_together_leave_out_the_union(examined: tuple[list[Example], Diagnosis]) -> None:
    """Speaker c (6 in fold one) and the common sentence (2 per tested speaker)."""
    examples, diagnosis = examined
    cleaned = score_minus_leak(predicted(examples, diagnosis), diagnosis, metrics=["wa"], resamples=10)
    assert without(cleaned.without, "sentences").removed == 2 * 5
    assert without(cleaned.without, "any of these").removed == 6 + 2 * 4
    assert without(cleaned.without, "any but sentences").removed == 6
    assert without(cleaned.without, "same id").note == "nothing to leave out"
    assert "exact audio" in cleaned.not_examined


def test_where_nothing_is_left_it_says_so(crowd: Callable[..., Any], cut: Any) -> None:
    manifest, examples = crowd(*[{**row, "speaker": "one"} for row in rows()])
    ids = tuple(example.id for example in examples)
    diagnosis = diagnose(manifest, examples, cut(examples, Fold("x", ids[:30], (), ids[30:])), CLASSES, None)
    cleaned = score_minus_leak(predicted(examples, diagnosis), diagnosis, metrics=["wa"], resamples=10)
    found = without(cleaned.without, "speakers")
    assert (found.examples, found.scores) == (0, None)
    assert "nothing is left" in found.note


def test_folds_and_classes_that_vanish_are_told(crowd: Callable[..., Any], cut: Any) -> None:
    """In fold one every tested speaker is known, in fold two all but joy."""
    manifest, examples = crowd(
        {"id": "a", "speaker": "x", "label": "joy"},
        {"id": "b", "speaker": "x", "label": "sad"},
        {"id": "c", "speaker": "y", "label": "joy"},
        {"id": "d", "speaker": "x", "label": "sad"},
    )
    one, two = Fold("one", ("a",), (), ("b",)), Fold("two", ("a",), (), ("c", "d"))
    diagnosis = diagnose(manifest, examples, cut(examples, one, two), CLASSES, None)
    cleaned = score_minus_leak(predicted(examples, diagnosis), diagnosis, metrics=["wa"], resamples=10)
    found = without(cleaned.without, "speakers")
    assert found.examples == found.folds == 1
    assert found.note == "1 folds have nothing left; no example of sad is left"


def test_predictions_of_other_folds_are_refused(examined: tuple[list[Example], Diagnosis]) -> None:
    examples, diagnosis = examined
    predictions = predicted(examples, diagnosis)
    fewer = Predictions(predictions.table[predictions.table["id"] != "a03"], CLASSES)
    renamed = Predictions(predictions.table.replace({"fold": {"one": "eins"}}), CLASSES)
    for other in (fewer, renamed):
        with pytest.raises(SplitError, match="other folds"):
            score_minus_leak(other, diagnosis)


def test_a_dialogue_is_a_leak_too(crowd: Callable[..., Any], cut: Any) -> None:
    manifest, examples = crowd(*[{**row, "dialogue": row["id"][-1]} for row in rows()])
    ids = tuple(example.id for example in examples)
    diagnosis = diagnose(manifest, examples, cut(examples, Fold("x", ids[:12], (), ids[12:])), CLASSES, None)
    assert diagnosis.grade.letter == "C"
    assert len(diagnosis.leaks["x"][Kind.DIALOGUE]) == 48
