"""EMO-SUPERB's macro F1: several labels at once, those whose share is above one over the number of classes.

The mean is over all classes of the task; one that is neither true nor predicted counts 0, as in scikit-learn's
`classification_report` of several labels, which EMO-SUPERB calls (EMOsuperb/EMO-SUPERB-submission at 4167e30,
`emo-superb/expert.py`). It averages that over the batches of a run, which gives another number; here all examples
of a fold are counted together.
"""

from __future__ import annotations

import numpy as np

from harness.metrics._metric import Metric
from harness.metrics._outcomes import Sums, Values
from harness.metrics._per_class import ratio
from harness.metrics._votes import VOTES


def votes_f1(sums: Sums) -> Values:
    """(..., classes, 4) -> (...).

    >>> float(votes_f1(np.array([[3, 2, 2, 2], [3, 1, 1, 0]], dtype=float)))
    0.5
    """
    _, true, predicted, both = (sums[..., column] for column in range(4))
    return np.asarray(ratio(2.0 * both, true + predicted).mean(axis=-1), dtype=np.float64)


METRIC = Metric("votes_f1", "Votes F1", votes_f1, VOTES)
