"""Metrics: pure functions of sums over examples, many of a confusion matrix, rows truth, columns prediction.

Every module of this folder without a leading underscore is one: it holds `METRIC`. A metric takes any number of
sums at once, for a confusion matrix `(..., C, C)` -> `(...)`, so that a bootstrap costs one call. What it reads
says which tasks it can score: classes, numbers on scales (`_moments`), raters' shares (`_divergences`, `_votes`).
"""

from harness.metrics._choice import all_metrics, metric_named, metrics_for, require_metrics
from harness.metrics._confusion import class_indices, confusion
from harness.metrics._metric import Metric
from harness.metrics._outcomes import Counts, Outcomes, Statistic, Sums, Values
from harness.metrics._shown import is_percent, lower_is_better, shown, written

__all__ = [
    "Counts",
    "Metric",
    "Outcomes",
    "Statistic",
    "Sums",
    "Values",
    "all_metrics",
    "class_indices",
    "confusion",
    "is_percent",
    "lower_is_better",
    "metric_named",
    "metrics_for",
    "require_metrics",
    "shown",
    "written",
]
