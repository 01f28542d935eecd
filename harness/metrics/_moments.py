"""First and second moments of truth and prediction on every scale.

Truth and prediction are each counted from their own median over the whole run. That leaves their variances and
their covariance as they are, keeps the sums small where values lie far from zero, and makes a constant exactly
zero; the difference of the two is summed apart, from the numbers as they came.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from harness.metrics._outcomes import Outcomes, Statistic, Sums, Tally, Values, check_columns, row_sums
from harness.metrics._per_class import ratio

COLUMNS = 9
NOTHING = 1e-12
"""A variance below this share of the second moment is rounding: float64 leaves some 1e-16 per added number, and
predictions are float32, whose steps are 1e-7 of their size (1e-14 when squared)."""


class Moments(NamedTuple):
    """(..., scales) each, population moments (divided by the number of examples)."""

    truth_variance: Values
    predicted_variance: Values
    covariance: Values
    bias: Values
    """Mean of prediction minus truth."""
    squared_error: Values
    absolute_error: Values


def moments(sums: Sums) -> Moments:
    """The moments behind sums, (..., scales, columns); a variance or covariance that is rounding is 0."""
    count = sums[..., 0]
    means = sums[..., 1:] / count[..., None]
    x, y, xx, yy, xy, difference, squared, absolute = np.moveaxis(means, -1, 0)
    truth, predicted = _variance(x, xx), _variance(y, yy)
    varies = (truth > 0) & (predicted > 0)
    covariance = np.where(varies, xy - x * y, 0.0)
    return Moments(truth, predicted, covariance, difference, squared, absolute)


def _variance(mean: Values, square: Values) -> Values:
    variance = square - mean**2
    return np.where(variance > NOTHING * square, variance, 0.0)


def correlation(found: Moments) -> Values:
    """(..., scales) Pearson's; 0 where truth or prediction is constant."""
    return ratio(found.covariance, np.sqrt(found.truth_variance * found.predicted_variance))


def _tally(outcomes: Outcomes) -> Tally:
    truth, predicted = outcomes.truth, outcomes.predicted
    x, y = truth - np.median(truth, axis=0), predicted - np.median(predicted, axis=0)
    difference = predicted - truth
    columns = (np.ones_like(x), x, y, x * x, y * y, x * y, difference, difference**2, np.abs(difference))
    return row_sums(np.stack(columns, axis=-1))


def _check(name: str, sums: Sums) -> None:
    check_columns(name, sums, COLUMNS, "moments of truth and prediction")


MOMENTS = Statistic("moments", ("scales",), _tally, _check)
"""(..., scales, 9): examples, truth, prediction, their squares and product, difference, its square and size."""
