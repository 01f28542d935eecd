"""Macro F1: the plain mean over classes of their F1.

The mean is over the classes that are true or predicted at least once, which is what scikit-learn's
`f1_score(average="macro", zero_division=0)` does without `labels=`: a class that is never true but predicted
counts with F1 = 0, one that is neither does not count.
"""

from __future__ import annotations

from harness.metrics._metric import Metric
from harness.metrics._outcomes import Counts, Values
from harness.metrics._per_class import f1, mean_where, predicted, support


def macro_f1(counts: Counts) -> Values:
    """(..., C, C) -> (...).

    >>> import numpy as np
    >>> round(float(macro_f1(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))), 4)
    0.873
    """
    return mean_where(f1(counts), support(counts) + predicted(counts) > 0)


METRIC = Metric("macro_f1", "Macro-F1", macro_f1)
