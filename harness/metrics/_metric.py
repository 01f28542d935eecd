"""What a metric is: a name, a title for tables, and a function that is only asked what it can answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.metrics._confusion import CONFUSION
from harness.metrics._outcomes import Counts, Statistic, Sums, Values

__all__ = ["Counts", "Metric", "Values"]


@dataclass(frozen=True)
class Metric:
    """A score of sums over examples."""

    name: str
    title: str
    function: Callable[[Sums], Values]
    reads: Statistic = CONFUSION
    percent: bool = True
    """Whether it is a share that tables show in percent (1 is perfect); else it is shown as it is."""
    lower_is_better: bool = False
    per_output: bool = False
    """Whether `function` gives (..., scales), a figure for each, and the metric is their mean."""
    told_apart: bool = False
    """Whether each scale's figure is told beside the mean unasked."""

    def __call__(self, sums: NDArray[Any]) -> Values:
        """Score every set of sums.

        Args:
            sums: (..., *shape of what it reads), for a confusion matrix (..., C, C).

        Returns:
            (...) scores.

        Raises:
            MetricError: the shape is another, a value is not finite (or a count negative), or nothing was counted.
        """
        exact = np.asarray(sums, dtype=np.float64)
        self.reads.check(self.name, exact)
        scores = np.asarray(self.function(exact), dtype=np.float64)
        return np.asarray(scores.mean(axis=-1)) if self.per_output else scores

    def of(self, position: int, output: str) -> Metric:
        """The same for one scale alone, named after it.

        >>> from harness.metrics.ccc import METRIC
        >>> METRIC.of(0, "arousal").title
        'CCC arousal'
        """
        return replace(
            self,
            name=f"{self.name}_{output}",
            title=f"{self.title} {output}",
            function=lambda sums: self.function(sums[..., position : position + 1, :]),
        )
