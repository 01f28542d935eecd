"""Kullback-Leibler divergence of the predicted from the true shares, mean over examples, in nats."""

from __future__ import annotations

from functools import partial

from harness.metrics._divergences import DIVERGENCES, mean_of
from harness.metrics._metric import Metric

METRIC = Metric(
    "kl", "KL", partial(mean_of, "kullback_leibler"), DIVERGENCES, percent=False, lower_is_better=True
)
