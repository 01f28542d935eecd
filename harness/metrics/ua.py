"""Unweighted accuracy, also unweighted average recall (UAR): the mean over classes of their recall.

The mean is over the classes that the truth holds; a class without an example has no recall (as scikit-learn's
`balanced_accuracy_score`). A fold that lacks a class is therefore a mean over fewer classes; the record
of the split says which.
"""

from __future__ import annotations

from harness.metrics._metric import Metric
from harness.metrics._outcomes import Counts, Values
from harness.metrics._per_class import hits, mean_where, ratio, support


def ua(counts: Counts) -> Values:
    """(..., C, C) -> (...).

    >>> import numpy as np
    >>> float(ua(np.array([[3, 1, 0], [0, 2, 2], [0, 0, 0]])))
    0.625
    """
    true = support(counts)
    return mean_where(ratio(hits(counts), true), true > 0)


METRIC = Metric("ua", "UA", ua)
