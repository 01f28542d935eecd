"""Mean absolute error in the scale's own unit, mean over scales; usual for sentiment."""

from __future__ import annotations

from harness.metrics._metric import Metric
from harness.metrics._moments import MOMENTS, moments
from harness.metrics._outcomes import Sums, Values


def mae(sums: Sums) -> Values:
    """(..., scales, 9) -> (..., scales)."""
    return moments(sums).absolute_error


METRIC = Metric("mae", "MAE", mae, MOMENTS, percent=False, lower_is_better=True, per_output=True)
