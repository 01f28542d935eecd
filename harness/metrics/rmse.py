"""Root of the mean squared error in the scale's own unit, mean over scales of the root of each."""

from __future__ import annotations

import numpy as np

from harness.metrics._metric import Metric
from harness.metrics._moments import MOMENTS, moments
from harness.metrics._outcomes import Sums, Values


def rmse(sums: Sums) -> Values:
    """(..., scales, 9) -> (..., scales)."""
    return np.sqrt(moments(sums).squared_error)


METRIC = Metric("rmse", "RMSE", rmse, MOMENTS, percent=False, lower_is_better=True, per_output=True)
