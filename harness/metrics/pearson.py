"""Pearson's correlation of truth and prediction, mean over scales; 0 where either is constant."""

from __future__ import annotations

from harness.metrics._metric import Metric
from harness.metrics._moments import MOMENTS, correlation, moments
from harness.metrics._outcomes import Sums, Values


def pearson(sums: Sums) -> Values:
    """(..., scales, 9) -> (..., scales), from -1 to 1."""
    return correlation(moments(sums))


METRIC = Metric("pearson", "Pearson", pearson, MOMENTS, percent=False, per_output=True)
