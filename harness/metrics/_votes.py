"""Several labels at once: a class is voted for where its share is above one over the number of classes.

The rule is EMO-SUPERB's for truth and prediction alike (EMOsuperb/EMO-SUPERB-submission at 4167e30,
`emo-superb/expert.py`).
"""

from __future__ import annotations

import numpy as np

from harness.metrics._outcomes import Outcomes, Statistic, Sums, Tally, check_columns, row_sums

COLUMNS = 4


def _tally(outcomes: Outcomes) -> Tally:
    threshold = 1.0 / len(outcomes.outputs)
    true, predicted = outcomes.truth > threshold, outcomes.predicted > threshold
    columns = (np.ones_like(true), true, predicted, true & predicted)
    return row_sums(np.stack(columns, axis=-1).astype(np.float64))


def _check(name: str, sums: Sums) -> None:
    check_columns(name, sums, COLUMNS, "votes per class")


VOTES = Statistic("votes", ("shares",), _tally, _check)
"""(..., classes, 4): examples, those that truly have the class, that are predicted to, and both."""
