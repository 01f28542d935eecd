"""Distances between parts, and what chance alone gives, against drawing at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.contracts import Example, Fold
from harness.doctor import Shift, diagnose
from harness.doctor.shift import total_variation

Crowd = Callable[..., tuple[Any, list[Example]]]


def shifts(diagnosis: Any) -> dict[str, Shift]:
    return {one.quantity: one for one in diagnosis.folds[0].shifts}


def many(count: int, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {
            "id": f"u{number:04d}",
            "label": str(rng.choice(["joy", "sad", "fear"], p=[0.6, 0.3, 0.1])),
            "gender": str(rng.choice(["female", "male"])),
            "duration_s": float(rng.gamma(4.0)),
        }
        for number in range(count)
    ]


def test_total_variation_by_hand() -> None:
    assert total_variation(np.array([2, 2]), np.array([5, 5])) == 0
    assert total_variation(np.array([4, 0]), np.array([0, 9])) == 1
    assert total_variation(np.array([3, 1, 0]), np.array([1, 2, 1])) == pytest.approx(0.5)


def test_chance_is_what_random_cuts_give(crowd: Crowd, cut: Any) -> None:
    """The stated mean and 95 % point against 400 cuts, to a sampling error of a tenth."""
    manifest, examples = crowd(*many(300, seed=1))
    ids = [example.id for example in examples]
    rng = np.random.default_rng(2)
    folds = []
    for number in range(400):
        order = rng.permutation(ids).tolist()
        folds.append(Fold(f"f{number}", tuple(order[60:]), (), tuple(order[:60])))
    diagnosis = diagnose(manifest, examples, cut(examples, *folds), ["joy", "sad", "fear"], None)
    for place in range(3):
        each = [fold.shifts[place] for fold in diagnosis.folds]
        distances = [one.distance for one in each]
        assert np.mean(distances) == pytest.approx(each[0].by_chance, rel=0.1)
        assert np.mean([one.exceeds_chance for one in each]) == pytest.approx(0.05, abs=0.04)


def test_a_real_shift_exceeds_chance(crowd: Crowd, cut: Any) -> None:
    rows = many(200, seed=3)
    for row in rows[:50]:
        row |= {"gender": "male", "duration_s": row["duration_s"] + 3, "label": "fear"}
    manifest, examples = crowd(*rows)
    ids = tuple(example.id for example in examples)
    folds = cut(examples, Fold("x", ids[50:], (), ids[:50]))
    found = shifts(diagnose(manifest, examples, folds, ["joy", "sad", "fear"], None))
    assert all(found[name].exceeds_chance for name in ("class", "gender", "duration"))
    assert found["duration"].p_value is not None
    assert found["duration"].p_value < 1e-6


def test_what_is_unknown_is_not_compared(crowd: Crowd, cut: Any) -> None:
    """Without sound there is no level; without annotation neither gender nor duration."""
    manifest, examples = crowd({"id": "a", "duration_s": 0.0}, {"id": "b", "duration_s": 0.0})
    folds = cut(examples, Fold("x", ("a",), (), ("b",)))
    found = shifts(diagnose(manifest, examples, folds, ["joy"], None))
    assert found["class"].distance == 0
    for name in ("gender", "duration", "level"):
        assert found[name].distance is None
        assert found[name].not_examined
        assert not found[name].exceeds_chance


def test_balance_counts_classes_genders_and_speakers(crowd: Crowd, cut: Any) -> None:
    rows = [
        {"id": "a", "speaker": "x", "gender": "female", "label": "joy"},
        {"id": "b", "speaker": "x", "gender": "female", "label": "joy"},
        {"id": "c", "speaker": "y", "gender": "", "label": "sad"},
        {"id": "d", "speaker": "z", "gender": "male", "label": "joy"},
    ]
    manifest, examples = crowd(*rows)
    folds = cut(examples, Fold("f", ("a", "b", "c"), (), ("d",)))
    train, test = diagnose(manifest, examples, folds, ["joy", "sad"], None).folds[0].balance
    assert (train.part, train.examples, train.speakers) == ("train", 3, 2)
    assert train.classes == {"joy": 2, "sad": 1}
    assert train.genders == {"female": 2, "male": 0, "unknown": 1}
    assert test.absent == ("sad",)
