"""Mean squared error in the square of the scale's own unit, mean over scales."""

from __future__ import annotations

from harness.metrics._metric import Metric
from harness.metrics._moments import MOMENTS, moments
from harness.metrics._outcomes import Sums, Values


def mse(sums: Sums) -> Values:
    """(..., scales, 9) -> (..., scales)."""
    return moments(sums).squared_error


METRIC = Metric("mse", "MSE", mse, MOMENTS, percent=False, lower_is_better=True, per_output=True)
