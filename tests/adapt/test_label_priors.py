"""Label-prior correction: against Bayes' rule, an independent EM, and what it must never change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from scipy.stats import multivariate_normal

from harness.adapt import (
    calibration_notes,
    check_prior,
    corrected,
    estimated_priors,
    fitted_temperature,
    training_priors,
)
from harness.errors import ConfigError

MEANS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
TRAINED = np.array([0.6, 0.3, 0.1])
TESTED = np.array([0.2, 0.2, 0.6])


def drawn(
    shares: NDArray[np.float64], count: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points of three Gaussian classes with these shares."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, size=count, p=shares)
    return MEANS[labels] + rng.normal(size=(count, 2)), labels


def log_joint(points: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(points, classes): what a perfect head trained with these shares gives, up to a constant per point."""
    return np.stack([multivariate_normal(mean).logpdf(points) for mean in MEANS], axis=1) + np.log(shares)


def likelihood_maximum(posteriors: NDArray[np.float64], trained: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same shares by direct ascent: EM maximises sum log sum_c p_c p(c|x) / trained_c (Saerens, 2.3)."""

    def loss(free: NDArray[np.float64]) -> float:
        return float(-np.log(posteriors @ (softmax(free) / trained)).mean())

    return np.asarray(softmax(minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x))


def test_finds_the_shares_that_the_tested_part_was_drawn_with() -> None:
    points, labels = drawn(TESTED, 20_000, seed=1)
    share, rounds = estimated_priors(softmax(log_joint(points, TRAINED), axis=1), TRAINED)
    assert rounds > 1
    np.testing.assert_allclose(
        share, np.bincount(labels) / len(labels), atol=0.01
    )  # 20,000 draws: 0.007 is two errors


@pytest.mark.parametrize("seed", range(5))
def test_equals_a_direct_maximisation_of_the_likelihood(seed: int) -> None:
    points, _ = drawn(TESTED, 400, seed)
    posteriors = softmax(log_joint(points, TRAINED), axis=1)
    share, _ = estimated_priors(posteriors, TRAINED)
    np.testing.assert_allclose(share, likelihood_maximum(posteriors, TRAINED), atol=2e-5)  # BFGS stops there


def test_uniform_gives_the_posteriors_of_a_head_trained_on_equal_shares() -> None:
    """On dev draws from the training shares a perfect head needs a temperature of 1."""
    dev, dev_labels = drawn(TRAINED, 50_000, seed=2)
    points, _ = drawn(TESTED, 500, seed=3)
    values, done = corrected(
        log_joint(points, TRAINED).astype(np.float32), TRAINED, "uniform",
        dev_logits=log_joint(dev, TRAINED).astype(np.float32), dev_targets=dev_labels,
    )  # fmt: skip
    assert abs(done.temperature - 1) < 0.02
    expected = log_softmax(log_joint(points, np.full(3, 1 / 3)), axis=1)
    np.testing.assert_allclose(
        log_softmax(values, axis=1), expected, atol=0.15
    )  # logits up to 7, temperature to 2 %
    assert np.mean(values.argmax(1) == expected.argmax(1)) > 0.99


def test_estimated_shares_beat_the_trained_ones_where_shares_moved() -> None:
    dev, dev_labels = drawn(TRAINED, 2_000, seed=4)
    points, labels = drawn(TESTED, 2_000, seed=5)
    raw = log_joint(points, TRAINED).astype(np.float32)
    dev_logits = log_joint(dev, TRAINED).astype(np.float32)
    values, done = corrected(raw, TRAINED, "estimated", dev_logits=dev_logits, dev_targets=dev_labels)
    assert np.mean(values.argmax(1) == labels) > np.mean(raw.argmax(1) == labels) + 0.05
    np.testing.assert_allclose(done.assumed, TESTED, atol=0.05)


@settings(max_examples=20)
@given(temperature=st.floats(0.2, 20), seed=st.integers(0, 1000))
def test_a_temperature_that_was_put_in_is_found(temperature: float, seed: int) -> None:
    points, labels = drawn(TRAINED, 4_000, seed)
    logits = (temperature * log_joint(points, TRAINED)).astype(np.float32)
    assert abs(np.log(fitted_temperature(logits, labels) / temperature)) < 0.12  # 4,000 draws


@given(seed=st.integers(0, 10_000))
def test_equal_training_shares_leave_the_largest_class_the_largest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, dev = rng.normal(size=(60, 4)).astype(np.float32), rng.normal(size=(40, 4)).astype(np.float32)
    targets = rng.integers(0, 4, size=40)
    values, done = corrected(logits, np.full(4, 0.25), "uniform", dev_logits=dev, dev_targets=targets)
    if done.temperature < 100:  # a huge one flattens differences into the rounding of float32
        assert (values.argmax(1) == logits.argmax(1)).all()


def test_outputs_that_the_dev_part_does_not_trust_stay_as_they_are() -> None:
    """Upside down on dev: the best temperature is infinite, and shares alone would decide afterwards."""
    points, _ = drawn(TESTED, 300, seed=6)
    dev, dev_labels = drawn(TRAINED, 300, seed=7)
    logits, upside_down = (sign * log_joint(p, TRAINED) for sign, p in ((1, points), (-1, dev)))
    for how in ("uniform", "estimated"):
        values, done = corrected(
            logits.astype(np.float32), TRAINED, how,
            dev_logits=upside_down.astype(np.float32), dev_targets=dev_labels,
        )  # fmt: skip
        assert not done.done
        assert np.array_equal(values, logits.astype(np.float32))
        assert "1 of 1 trainings" in next(calibration_notes([done.to_dict()]))
    assert not list(calibration_notes([{}]))


def test_a_class_without_training_stays_last_and_everything_finite() -> None:
    logits = np.array([[1, 2, np.finfo(np.float32).min], [2, 1, np.finfo(np.float32).min]], np.float32)
    for how in ("uniform", "estimated"):
        values, done = corrected(
            logits, np.array([0.7, 0.3, 0.0]), how, dev_logits=logits, dev_targets=np.array([1, 0])
        )
        assert np.isfinite(values).all()
        assert (values.argmin(1) == 2).all()
        assert done.assumed[2] == 0


def test_a_class_that_dies_keeps_a_finite_logit() -> None:
    posteriors = np.tile([0.999999, 1e-6 / 2, 1e-6 / 2], (50, 1))
    share, _ = estimated_priors(posteriors, np.full(3, 1 / 3))
    assert (share > 0).all()
    assert share[0] > 0.99


def test_training_shares_count_every_class() -> None:
    assert training_priors(np.array([0, 0, 2, 0]), 4).tolist() == [0.75, 0.0, 0.25, 0.0]


@pytest.mark.parametrize(("kind", "select"), [("classes", "last"), ("classes", "test"), ("scales", "dev")])
def test_refuses_where_nothing_can_be_calibrated(kind: str, select: str) -> None:
    with pytest.raises(ConfigError, match="label-prior correction needs"):
        check_prior("uniform", kind, select)
    check_prior("none", kind, select)
