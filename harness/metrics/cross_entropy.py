"""Cross entropy of predicted and true shares, mean over examples, in nats; what EMO-SUPERB trains (unweighted)."""

from __future__ import annotations

from functools import partial

from harness.metrics._divergences import DIVERGENCES, mean_of
from harness.metrics._metric import Metric

METRIC = Metric(
    "cross_entropy", "CE", partial(mean_of, "cross_entropy"), DIVERGENCES, percent=False, lower_is_better=True
)
