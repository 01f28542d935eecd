"""What a metric is: a name, a title for tables, and a function that is only asked what it can answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from harness import registry
from harness.errors import MetricError

Counts = NDArray[np.float64]
"""(..., C, C) non-negative counts, rows truth, columns prediction; whole numbers in floats are exact."""

Values = NDArray[np.float64]
"""(...) one score per matrix."""


@dataclass(frozen=True)
class Metric:
    """A score of confusion matrices, as a share: 1 is perfect."""

    name: str
    title: str
    function: Callable[[Counts], Values]

    def __call__(self, counts: NDArray[Any]) -> Values:
        """Score every matrix.

        Args:
            counts: (..., C, C) counts, rows truth, columns prediction.

        Returns:
            (...) scores between 0 and 1.

        Raises:
            MetricError: the shape is another, a count is negative or not finite, or a matrix is empty.
        """
        exact = np.asarray(counts, dtype=np.float64)
        _check(self.name, exact)
        return np.asarray(self.function(exact), dtype=np.float64)


def _check(name: str, counts: Counts) -> None:
    if counts.ndim < 2 or counts.shape[-1] != counts.shape[-2] or counts.shape[-1] == 0:
        raise MetricError(
            f"{name} reads square confusion matrices", got=f"shape {counts.shape}", wanted="(..., C, C)"
        )
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise MetricError(
            f"{name} reads counts",
            got="a negative or infinite value, or NaN",
            wanted="finite numbers from 0",
            next_step="make the matrix with harness.metrics.confusion",
        )
    if counts.size == 0 or (counts.sum(axis=(-2, -1)) == 0).any():
        raise MetricError(
            f"{name} is not defined without examples",
            got="a confusion matrix of zeros",
            wanted="at least one example",
            next_step="look for an empty part or fold",
        )


def metric_named(name: str) -> Metric:
    """The metric of that name.

    Raises:
        UnknownNameError: there is none; the message offers near names.
    """
    return cast(Metric, registry.load("metrics", name).METRIC)


def all_metrics() -> dict[str, Metric]:
    """Every registered metric by name, in alphabetical order."""
    return {name: metric_named(name) for name in registry.names("metrics")}
