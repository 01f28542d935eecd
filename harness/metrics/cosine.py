"""Cosine of the angle between predicted and true shares, mean over examples; 1 is perfect."""

from __future__ import annotations

from functools import partial

from harness.metrics._divergences import DIVERGENCES, mean_of
from harness.metrics._metric import Metric

METRIC = Metric("cosine", "Cosine", partial(mean_of, "cosine"), DIVERGENCES, percent=False)
