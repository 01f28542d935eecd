"""Weighted accuracy: the share of examples that are right; every class counts by its size."""

from __future__ import annotations

from harness.metrics._metric import Metric
from harness.metrics._outcomes import Counts, Values
from harness.metrics._per_class import hits, support, total


def wa(counts: Counts) -> Values:
    """(..., C, C) -> (...).

    >>> import numpy as np
    >>> float(wa(np.array([[3, 1], [0, 4]])))
    0.875
    """
    return total(hits(counts)) / total(support(counts))


METRIC = Metric("wa", "WA", wa)
