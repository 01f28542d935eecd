"""Metrics of numbers on scales and of raters' shares: against scipy, scikit-learn and two-line formulas."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import cosine, jensenshannon
from scipy.stats import entropy, pearsonr
from sklearn.metrics import classification_report, mean_absolute_error, mean_squared_error

from harness.errors import MetricError, UnknownNameError
from harness.metrics import Outcomes, all_metrics, metric_named, metrics_for, require_metrics

Numbers = NDArray[np.float64]
TOLERANCE = 1e-9
"""Moments about the median against two passes about the mean: some 1e-13 of the values' own size, squared."""


def lin(x: Numbers, y: Numbers) -> float:
    """Concordance as in most papers, with population moments and two passes."""
    covariance = np.mean((x - x.mean()) * (y - y.mean()))
    return float(2 * covariance / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))


def emo_superb(p: Numbers, q: Numbers) -> float:
    """The lines of EMO-SUPERB's `expert.py` that make its score, over all examples instead of a batch."""
    names = [f"c{number}" for number in range(p.shape[1])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report: dict[str, Any] = classification_report(
            (p > 1 / len(names)).astype(int),
            (q > 1 / len(names)).astype(int),
            target_names=names,
            output_dict=True,
        )
    return float(report["macro avg"]["f1-score"])


SCALES: dict[str, Callable[[Numbers, Numbers], float]] = {
    "ccc": lin,
    "pearson": lambda x, y: float(pearsonr(x, y).statistic),
    "mse": lambda x, y: float(mean_squared_error(x, y)),
    "rmse": lambda x, y: float(np.sqrt(mean_squared_error(x, y))),
    "mae": lambda x, y: float(mean_absolute_error(x, y)),
}
SHARES: dict[str, Callable[[Numbers, Numbers], float]] = {
    "jsd": lambda p, q: float(np.mean([jensenshannon(a, b, base=2) ** 2 for a, b in zip(p, q, strict=True)])),
    "kl": lambda p, q: float(np.mean([entropy(a, b) for a, b in zip(p, q, strict=True)])),
    "cross_entropy": lambda p, q: float(-np.mean(np.sum(p * np.log(q), axis=1))),
    "cosine": lambda p, q: float(np.mean([1 - cosine(a, b) for a, b in zip(p, q, strict=True)])),
    "votes_f1": emo_superb,
}


def outcomes(kind: Any, truth: Numbers, predicted: Numbers) -> Outcomes:
    named = kind == "shares"
    nothing = np.empty(0, dtype=np.int64)
    return Outcomes(
        kind=kind,
        outputs=tuple(f"o{number}" for number in range(truth.shape[1])),
        truth_class=truth.argmax(1) if named else nothing,
        predicted_class=predicted.argmax(1) if named else nothing,
        truth=truth,
        predicted=predicted,
    )


def scored(name: str, truth: Numbers, predicted: Numbers) -> float:
    """The metric of all examples, added up in three groups."""
    metric = metric_named(name)
    kind = "scales" if name in SCALES else "shares"
    rows = np.arange(len(truth))
    sums = metric.reads.tally(outcomes(kind, truth, predicted))(rows, rows % 3, 3)
    return float(metric(sums.sum(axis=0)))


def shares(seed: int, count: int = 40, classes: int = 5) -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(seed)
    votes = rng.multinomial(4, rng.dirichlet(np.ones(classes)), size=count) / 4.0
    return votes, rng.dirichlet(np.ones(classes), size=count)


def test_every_metric_that_is_not_of_classes_has_a_reference(project_root: Path) -> None:
    assert set(SCALES) == set(all_metrics("scales"))
    assert set(SHARES) == set(all_metrics("shares")) - set(all_metrics("classes"))
    assert {*SCALES, *SHARES} <= {p.stem for p in (project_root / "harness" / "metrics").glob("[!_]*.py")}


@pytest.mark.parametrize("name", sorted(SCALES))
@given(
    seed=st.integers(0, 2**32 - 1), count=st.integers(3, 60), centre=st.sampled_from([0.0, 4.0, -1e4, 1e6])
)
@settings(max_examples=25)
def test_scales_equal_their_reference(name: str, seed: int, count: int, centre: float) -> None:
    rng = np.random.default_rng(seed)
    truth = centre + rng.normal(size=(count, 3)) * [1.0, 0.3, 5.0]
    predicted = centre + 0.6 * (truth - centre) + rng.normal(size=(count, 3)) + [0.0, 0.5, -2.0]
    expected = np.mean([SCALES[name](truth[:, k], predicted[:, k]) for k in range(3)])
    # the reference itself loses 16 digits - 2 x the digits of the centre
    assert scored(name, truth, predicted) == pytest.approx(
        expected, rel=TOLERANCE, abs=max(1e-12, 1e-15 * centre**2)
    )


@pytest.mark.parametrize("name", sorted(SHARES))
@pytest.mark.parametrize("seed", range(5))
def test_shares_equal_their_reference(name: str, seed: int) -> None:
    truth, predicted = shares(seed)
    assert scored(name, truth, predicted) == pytest.approx(SHARES[name](truth, predicted), abs=1e-12)


def test_a_class_that_nobody_votes_for_counts_zero_as_in_emo_superb() -> None:
    truth = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]])
    assert scored("votes_f1", truth, truth) == pytest.approx(2 / 3) == pytest.approx(emo_superb(truth, truth))


def test_a_share_of_just_one_over_the_classes_is_no_vote() -> None:
    truth = np.array([[0.25, 0.25, 0.5, 0.0], [0.5, 0.0, 0.25, 0.25]])
    assert scored("votes_f1", truth, np.full((2, 4), 0.25)) == 0.0
    assert scored("votes_f1", truth, truth) == 0.5  # the first and the third class


@pytest.mark.parametrize("name", ["ccc", "pearson"])
@pytest.mark.parametrize("value", [0.0, 0.1, 4.2, 1e6])
@pytest.mark.parametrize("which", ["truth", "prediction", "both"])
def test_a_constant_tells_nothing_apart(name: str, value: float, which: str) -> None:
    moving = np.random.default_rng(0).normal(size=(30, 1)) + 3
    still = np.full((30, 1), value)
    truth = still if which != "prediction" else moving
    predicted = still if which != "truth" else moving
    assert scored(name, truth, predicted) == 0.0


@pytest.mark.parametrize("name", ["ccc", "pearson"])
def test_a_constant_of_each_fold_tells_nothing_apart_in_it(name: str) -> None:
    """Each fold predicts the mean of its own training part: constant within the fold, not over the run."""
    metric = metric_named(name)
    rng = np.random.default_rng(1)
    fold = np.repeat(np.arange(9), 23)
    truth, predicted = rng.normal(3, 1, (207, 1)), np.sqrt(3 + 0.1 * fold)[:, None]
    sums = metric.reads.tally(outcomes("scales", truth, predicted))(np.arange(207), fold, 9)
    assert metric(sums).tolist() == [0.0] * 9
    assert metric(3 * sums).tolist() == [0.0] * 9  # every speaker drawn thrice


def test_concordance_is_less_than_correlation_where_level_or_range_differ() -> None:
    x = np.random.default_rng(2).normal(size=(50, 1))
    assert scored("ccc", x, x) == pytest.approx(1.0, abs=1e-12)
    assert scored("ccc", x, -x) == pytest.approx(lin(x[:, 0], -x[:, 0]), abs=1e-12)
    assert scored("pearson", x, 3 * x + 1) == pytest.approx(1.0, abs=1e-12)
    assert scored("ccc", x, 3 * x + 1) < 0.6


def test_a_wrong_certainty_is_large_and_finite() -> None:
    truth, predicted = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert scored("jsd", truth, predicted) == pytest.approx(1.0, abs=1e-9)
    assert 20 < scored("kl", truth, predicted) < 30
    assert scored("cross_entropy", truth, predicted) == pytest.approx(scored("kl", truth, predicted))


def test_scales_stand_beside_their_mean() -> None:
    names = [m.name for m in metrics_for(["ccc", "rmse"], "scales", ("arousal", "valence"))]
    assert names == ["ccc", "ccc_arousal", "ccc_valence", "rmse"]
    assert [m.name for m in metrics_for(["ccc"], "scales", ("sentiment",))] == ["ccc"]
    truth, predicted = np.random.default_rng(3).normal(size=(2, 20, 2))
    rows = np.arange(20)
    mean, first, second = metrics_for(["ccc"], "scales", ("arousal", "valence"))
    sums = mean.reads.tally(outcomes("scales", truth, predicted))(rows, 0 * rows, 1)[0]
    assert float(first(sums)) == pytest.approx(lin(truth[:, 0], predicted[:, 0]), abs=1e-12)
    assert float(mean(sums)) == pytest.approx((float(first(sums)) + float(second(sums))) / 2, abs=1e-12)
    assert first.title == "CCC arousal"


def test_one_scale_can_be_asked_for() -> None:
    asked = ["ccc_valence", "rmse_arousal"]
    assert [m.name for m in metrics_for(asked, "scales", ("arousal", "valence"))] == asked
    with pytest.raises(MetricError, match=r"'valenze'(?s:.)*arousal, valence"):
        metrics_for(["ccc_valenze"], "scales", ("arousal", "valence"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ua", "scales"), ("ccc", "classes"), ("ccc", "shares"), ("jsd", "classes"), ("ccc_a", "classes")],
)
def test_a_metric_of_another_kind_is_refused(name: str, kind: Any) -> None:
    with pytest.raises(MetricError, match=f"cannot score targets that are {kind}"):
        metrics_for([name], kind, ("a", "b"))


def test_an_unknown_metric_is_refused_before_anything_is_known() -> None:
    require_metrics(["ua", "ccc", "ccc_arousal"])
    with pytest.raises(UnknownNameError, match="ccc"):
        require_metrics(["cccc"])


@pytest.mark.parametrize("name", [*SCALES, *SHARES])
def test_sums_that_cannot_be_are_refused(name: str) -> None:
    metric = metric_named(name)
    truth, predicted = shares(0)
    kind = "scales" if name in SCALES else "shares"
    rows = np.arange(len(truth))
    good = metric.reads.tally(outcomes(kind, truth, predicted))(rows, 0 * rows, 1)
    for bad in (good[..., :-1], good * np.nan, good * 0, np.zeros((0, *good.shape[1:]))):
        with pytest.raises(MetricError, match=name):
            metric(bad)


def test_the_larger_class_counts_for_shares_too() -> None:
    truth, predicted = shares(7)
    metric = metric_named("wa")
    rows = np.arange(len(truth))
    sums = metric.reads.tally(outcomes("shares", truth, predicted))(rows, 0 * rows, 1)[0]
    assert float(metric(sums)) == pytest.approx(np.mean(truth.argmax(1) == predicted.argmax(1)), abs=1e-12)
