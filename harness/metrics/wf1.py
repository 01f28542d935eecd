"""Weighted F1: the mean over classes of their F1, weighted by how often each is true.

Equals scikit-learn's `f1_score(average="weighted", zero_division=0)`.
"""

from __future__ import annotations

from harness.metrics._metric import Metric
from harness.metrics._outcomes import Counts, Values
from harness.metrics._per_class import f1, support, total


def wf1(counts: Counts) -> Values:
    """(..., C, C) -> (...).

    >>> import numpy as np
    >>> round(float(wf1(np.array([[3, 1], [0, 4]]))), 4)
    0.873
    """
    true = support(counts)
    return total(f1(counts) * true) / total(true)


METRIC = Metric("wf1", "WF1", wf1)
