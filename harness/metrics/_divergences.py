"""How far the predicted shares of an example lie from those of its raters, added up over examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.metrics._outcomes import Outcomes, Statistic, Sums, Tally, Values, check_columns, row_sums

FIGURES = ("jensen_shannon", "kullback_leibler", "cross_entropy", "cosine")
SMALLEST = 1e-12
"""A predicted share below this counts as this: one certainty that is wrong is not allowed to weigh infinitely."""


def mean_of(figure: str, sums: Sums) -> Values:
    """(...) the mean over examples of one of `FIGURES`."""
    return np.asarray(sums[..., 0, 1 + FIGURES.index(figure)] / sums[..., 0, 0], dtype=np.float64)


def divergences(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """(examples, 4) the `FIGURES` of every example, from (examples, classes) shares.

    Jensen-Shannon divergence to the base 2, so that it lies between 0 and 1 (Lin 1991, IEEE Transactions on
    Information Theory 37, 145-151); Kullback-Leibler divergence of the prediction from the truth and their cross
    entropy in nats; cosine of the angle between the two.
    """
    from scipy.special import entr, rel_entr

    p = truth / truth.sum(axis=1, keepdims=True)
    q = np.maximum(predicted / predicted.sum(axis=1, keepdims=True), SMALLEST)
    middle = (p + q) / 2
    both = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / (2 * np.log(2))
    apart = rel_entr(p, q).sum(axis=1)
    cosine = (p * q).sum(axis=1) / (np.linalg.norm(p, axis=1) * np.linalg.norm(q, axis=1))
    return np.stack([both, apart, apart + entr(p).sum(axis=1), cosine], axis=1)


def _tally(outcomes: Outcomes) -> Tally:
    figures = divergences(outcomes.truth, outcomes.predicted)
    rows = np.concatenate([np.ones((len(figures), 1)), figures], axis=1)
    return row_sums(rows[:, None, :])


def _check(name: str, sums: Sums) -> None:
    check_columns(name, sums, 1 + len(FIGURES), "divergences of shares")


DIVERGENCES = Statistic("divergences", ("shares",), _tally, _check)
"""(..., 1, 5): examples, and the sum of each of `FIGURES`."""
