"""Every registered metric against scikit-learn, and against what any metric of a confusion matrix must keep."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from harness.errors import MetricError, UnknownNameError
from harness.metrics import Metric, all_metrics, confusion, metric_named

CLASSES = ["anger", "joy", "neutral", "sad"]
TOLERANCE = 1e-12  # a handful of float64 operations on whole numbers

REFERENCES = {
    "wa": sk.accuracy_score,
    "ua": lambda truth, predicted: sk.recall_score(
        truth, predicted, labels=sorted(set(truth)), average="macro", zero_division=0
    ),
    "wf1": lambda truth, predicted: sk.f1_score(truth, predicted, average="weighted", zero_division=0),
    "macro_f1": lambda truth, predicted: sk.f1_score(truth, predicted, average="macro", zero_division=0),
}
NAMES = sorted(REFERENCES)

labels = st.sampled_from(CLASSES)
pairs = st.lists(st.tuples(labels, labels), min_size=1, max_size=60)


def scored(name: str, rows: list[tuple[str, str]], classes: list[str] = CLASSES) -> float:
    truth, predicted = zip(*rows, strict=True)
    return float(metric_named(name)(confusion(truth, predicted, classes)))


def test_no_metric_is_without_an_independent_reference(project_root: Path) -> None:
    """Those of scales and shares have theirs in `test_scales_and_shares.py`."""
    modules = {path.stem for path in (project_root / "harness" / "metrics").glob("[!_]*.py")}
    assert set(REFERENCES) == set(all_metrics("classes"))
    assert modules <= set(all_metrics())


@pytest.mark.parametrize("name", NAMES)
def test_module_names_itself(name: str) -> None:
    metric = metric_named(name)
    assert isinstance(metric, Metric)
    assert metric.name == name
    assert metric.title


@pytest.mark.parametrize("name", NAMES)
@given(rows=pairs)
@settings(max_examples=25)
def test_equals_scikit_learn(name: str, rows: list[tuple[str, str]]) -> None:
    truth, predicted = zip(*rows, strict=True)
    assert scored(name, rows) == pytest.approx(REFERENCES[name](truth, predicted), abs=TOLERANCE)


@given(rows=pairs)
@settings(max_examples=25)
def test_ua_is_balanced_accuracy(rows: list[tuple[str, str]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = sk.balanced_accuracy_score(*zip(*rows, strict=True))
    assert scored("ua", rows) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
@given(rows=pairs, data=st.data())
@settings(max_examples=25)
def test_order_of_examples_and_of_classes_does_not_matter(
    name: str, rows: list[tuple[str, str]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rows))
    classes = data.draw(st.permutations(CLASSES))
    assert scored(name, shuffled, classes) == pytest.approx(scored(name, rows), abs=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
@given(rows=pairs)
@settings(max_examples=25)
def test_bounds_and_perfection(name: str, rows: list[tuple[str, str]]) -> None:
    assert 0.0 <= scored(name, rows) <= 1.0
    right = [(truth, truth) for truth, _ in rows]
    assert scored(name, right) == pytest.approx(1.0, abs=TOLERANCE)
    wrong = [(truth, CLASSES[(CLASSES.index(truth) + 1) % 4]) for truth, _ in rows]
    assert scored(name, wrong) == 0.0


@pytest.mark.parametrize("name", NAMES)
@given(rows=pairs, times=st.integers(2, 5))
@settings(max_examples=20)
def test_scores_depend_on_shares_only(name: str, rows: list[tuple[str, str]], times: int) -> None:
    assert scored(name, rows * times) == pytest.approx(scored(name, rows), abs=TOLERANCE)


@pytest.mark.parametrize("name", NAMES)
def test_many_matrices_at_once_equal_one_by_one(name: str) -> None:
    counts = np.random.default_rng(0).integers(0, 4, size=(3, 5, 4, 4))
    counts[0, 0, 2] = 0
    counts[0, 1, :, 1] = 0
    counts[..., 0, 0] += 1
    metric = metric_named(name)
    together = metric(counts)
    assert together.shape == (3, 5)
    for place in np.ndindex(3, 5):
        assert together[place] == pytest.approx(float(metric(counts[place])), abs=TOLERANCE)


GOLDEN = [
    # truth, predicted, {wa, ua, wf1, macro_f1}, worked out by hand
    ("aaab", "aabb", {"wa": 3 / 4, "ua": 5 / 6, "wf1": 23 / 30, "macro_f1": 11 / 15}),
    ("aaaa", "aaaa", {"wa": 1.0, "ua": 1.0, "wf1": 1.0, "macro_f1": 1.0}),
    # c is predicted and never true: it counts in macro F1 alone
    ("aabb", "aacb", {"wa": 3 / 4, "ua": 3 / 4, "wf1": 5 / 6, "macro_f1": 5 / 9}),
    # b is true and never predicted
    ("aab", "aaa", {"wa": 2 / 3, "ua": 1 / 2, "wf1": 8 / 15, "macro_f1": 2 / 5}),
]


@pytest.mark.parametrize(("truth", "predicted", "scores"), GOLDEN)
def test_golden_triples(truth: str, predicted: str, scores: dict[str, float]) -> None:
    counts = confusion(list(truth), list(predicted), ["a", "b", "c"])
    assert set(scores) == set(REFERENCES)
    for name, value in scores.items():
        assert float(metric_named(name)(counts)) == pytest.approx(value, abs=TOLERANCE), name


def test_confusion_equals_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = rng.choice(CLASSES, 200).tolist(), rng.choice(CLASSES, 200).tolist()
    expected = sk.confusion_matrix(truth, predicted, labels=CLASSES)
    np.testing.assert_array_equal(confusion(truth, predicted, CLASSES), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "counts",
    [
        np.zeros((2, 2)),
        np.ones((2, 3)),
        np.ones(4),
        -np.ones((2, 2)),
        np.full((2, 2), np.nan),
        np.ones((0, 2, 2)),
    ],
    ids=["no examples", "not square", "a vector", "negative", "nan", "no matrices"],
)
def test_undefined_scores_are_refused(name: str, counts: np.ndarray) -> None:
    with pytest.raises(MetricError):
        metric_named(name)(counts)


@pytest.mark.parametrize(
    ("truth", "predicted", "classes"),
    [
        ([], [], CLASSES),
        (["joy"], ["joy", "sad"], CLASSES),
        (["jyo"], ["joy"], CLASSES),
        (["joy"], ["joy"], ["joy"] * 2),
    ],
)
def test_confusion_refuses_what_it_cannot_count(
    truth: list[str], predicted: list[str], classes: list[str]
) -> None:
    with pytest.raises(MetricError):
        confusion(truth, predicted, classes)


def test_unknown_class_is_named_with_a_near_one() -> None:
    with pytest.raises(MetricError, match="did you mean joy"):
        confusion(["joyy"], ["joy"], CLASSES)


def test_unknown_metric_is_named_with_a_near_one() -> None:
    with pytest.raises(UnknownNameError, match="wf1"):
        metric_named("wf2")
