"""The numbers under a picture against scikit-learn's own, and what has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from harness.errors import HarnessError
from harness.figures._numbers import check_points, separation


def blobs(seed: int, count: int, labels: int) -> tuple[Any, Any, list[str]]:
    """Three labels at most, each around a centre of its own, some apart and some not."""
    chance = np.random.default_rng(seed)
    codes = np.arange(count) % labels
    vectors = (chance.normal(size=(count, 16)) + codes[:, None]).astype(np.float32)
    return vectors, chance.normal(size=(count, 2)) + 0.5 * codes[:, None], [f"class_{code}" for code in codes]


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(12, 50), st.integers(2, 3), st.integers(1, 8))
def test_as_scikit_learn_computes_them(seed: int, count: int, labels: int, neighbours: int) -> None:
    vectors, points, names = blobs(seed, count, labels)
    got = separation(vectors, points, names, neighbours)
    assert got.silhouette == pytest.approx(silhouette_score(vectors.astype(float), names), abs=1e-12)
    assert got.silhouette_picture == pytest.approx(silhouette_score(points, names), abs=1e-12)
    classifier = KNeighborsClassifier(neighbours, algorithm="brute")
    guessed = cross_val_predict(classifier, vectors.astype(float), names, cv=LeaveOneOut())
    assert got.knn == pytest.approx(np.mean(guessed == np.array(names)), abs=1e-12)


def test_an_utterance_is_no_neighbour_of_its_own() -> None:
    """Every vector's nearest other has the other label: 0, where counting itself would give 1."""
    vectors = np.repeat(np.arange(8.0), 2)[:, None].astype(np.float32) * 10
    vectors[1::2] += 1
    assert separation(vectors, np.tile(vectors, 2).astype(float), ["a", "b"] * 8, 1).knn == 0


@pytest.mark.parametrize(
    ("labels", "neighbours"),
    [([], 5), (["a"] * 20, 5), ([f"{n}" for n in range(20)], 5), (["a", "b"] * 3, 5)],
    ids=["empty", "one label", "a label each", "too few"],
)
def test_what_has_no_such_numbers_is_told_in_one_message(labels: list[str], neighbours: int) -> None:
    with pytest.raises(HarnessError, match="nothing to tell apart in the picture of egemaps") as told:
        check_points(labels, neighbours, "egemaps")
    assert f"{len(labels)} utterances" in str(told.value)


def test_the_smallest_picture_passes() -> None:
    check_points(["a", "b", "a", "b", "a", "b", "a"], 5, "egemaps")
