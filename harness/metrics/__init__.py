"""Metrics: pure functions of a confusion matrix, rows truth, columns prediction.

Every module of this folder without a leading underscore is one: it holds `METRIC`. A metric takes any number of
matrices at once, `(..., C, C)` -> `(...)`, so that a bootstrap costs one call.
"""

from harness.metrics._confusion import class_indices, confusion
from harness.metrics._metric import Counts, Metric, Values, all_metrics, metric_named

__all__ = ["Counts", "Metric", "Values", "all_metrics", "class_indices", "confusion", "metric_named"]
