"""Is one run better than another? The difference of two runs over the same examples, with a paired interval.

Both runs are scored under the same draws of speakers, and the difference is taken draw by draw: what makes a
speaker easy or hard for both cancels out, so the interval is narrower than two that are laid side by side
(paired cluster bootstrap: Davison and Hinkley 1997, section 3.8; Berg-Kirkpatrick, Burkett and Klein 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import MetricError
from harness.metrics import Metric
from harness.predictions import Predictions
from harness.statistics import Resampled, resample


@dataclass(frozen=True, kw_only=True)
class Gain:
    """One figure of two sides, and how sure their difference is."""

    before: float
    after: float
    difference: float
    """`after - before`, in the metric's own unit."""
    low: float | None
    """None with one speaker: nothing can be resampled."""
    high: float | None

    @property
    def sure(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One metric of two sides."""

    metric: Metric
    fold_mean: Gain
    pooled: Gain
    speakers: int
    level: float
    resamples: int


def compare(
    before: Sequence[Predictions],
    after: Sequence[Predictions],
    metric: Metric,
    *,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two sides, each a run or several (of models trained with other seeds, say), which are averaged.

    Args:
        before: predictions of the one side.
        after: predictions of the other, for the same examples in the same folds.
        metric: to compare by.
        resamples: draws of speakers behind the interval.
        level: coverage aimed at.
        seed: of the draws.

    Raises:
        MetricError: a side is empty, or the runs did not predict the same examples in the same folds.
    """
    check_same(before, after)
    sides = [
        [resample(one, metric, resamples=resamples, seed=seed) for one in side] for side in (before, after)
    ]
    folds, together = ([_mean(side, name) for side in sides] for name in ("fold_mean", "pooled"))
    speakers = sides[0][0].speakers
    return Comparison(
        metric=metric,
        fold_mean=_gain(folds, level, speakers),
        pooled=_gain(together, level, speakers),
        speakers=speakers,
        level=level,
        resamples=resamples,
    )


def check_same(before: Sequence[Predictions], after: Sequence[Predictions]) -> None:
    """Refuse sides that cannot be compared example by example.

    Raises:
        MetricError: a side is empty, or two runs differ in their examples, folds, truths or speakers.
    """
    if not before or not after:
        raise MetricError(
            "a comparison needs two sides",
            got=f"{len(before)} and {len(after)} runs",
            wanted="at least one run on each",
        )
    designs = [_design(one) for one in (*before, *after)]
    for other in designs[1:]:
        odd = designs[0] ^ other
        if odd:
            raise MetricError(
                "the runs did not predict the same examples in the same folds",
                got=f"{len(odd)} that differ in fold, truth or speaker, such as {' '.join(sorted(odd)[0])}",
                wanted="two runs of one recipe on one corpus",
                next_step="run both with the same recipe, split and task; only upstream, view or head may differ",
            )


def _design(predictions: Predictions) -> set[tuple[str, ...]]:
    columns = (predictions.table[name] for name in ("fold", "id", "truth", "speaker"))
    return set(zip(*columns, strict=True))


def _mean(side: Sequence[Resampled], name: str) -> NDArray[np.float64]:
    return np.asarray(np.mean([getattr(one, name) for one in side], axis=0), dtype=np.float64)


def _gain(sides: Sequence[NDArray[np.float64]], level: float, speakers: int) -> Gain:
    before, after = sides
    differences = after - before
    low: float | None = None
    high: float | None = None
    if speakers > 1:
        limits = np.quantile(differences[1:], [(1 - level) / 2, (1 + level) / 2])
        low, high = float(limits[0]), float(limits[1])
    return Gain(
        before=float(before[0]),
        after=float(after[0]),
        difference=float(differences[0]),
        low=low,
        high=high,
    )
