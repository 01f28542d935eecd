"""Jensen-Shannon divergence of predicted and true shares, mean over examples; base 2, so that 1 is the worst."""

from __future__ import annotations

from functools import partial

from harness.metrics._divergences import DIVERGENCES, mean_of
from harness.metrics._metric import Metric

METRIC = Metric(
    "jsd", "JSD", partial(mean_of, "jensen_shannon"), DIVERGENCES, percent=False, lower_is_better=True
)
