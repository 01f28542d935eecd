"""How far the test part lies from the training part, and how far chance alone would put it.

Classes and genders are compared by the total variation distance (half the sum of absolute differences of the
shares), duration and level by the two-sample Kolmogorov-Smirnov distance. Chance alone means: the same
examples cut at random into parts of the same sizes. A split by speakers exceeds it by nature, for speakers
differ; the figures say by how much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Example
from harness.doctor._groups import Heard
from harness.doctor.balance import UNKNOWN
from harness.doctor.overlaps import Mask, Parts

if TYPE_CHECKING:
    from harness.sketch import Sketches

DRAWS, SEED = 500, 0
EXACT_BELOW = 1000
"""Pairs of values up to which the p-value is counted, not approximated."""
KOLMOGOROV_MEAN, KOLMOGOROV_95 = 0.8687, 1.3581
"""Mean and 95 % point of Kolmogorov's distribution: sqrt(pi / 2) ln 2, and Smirnov 1948, Ann. Math. Stat. 19."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One quantity, train against test."""

    quantity: str
    """`class`, `gender`, `duration` or `level`."""
    measure: str
    """`total variation` or `Kolmogorov-Smirnov`."""
    distance: float | None
    """From 0 (the same) to 1 (nothing in common); None where it was not examined."""
    by_chance: float | None
    """What a random cut into parts of these sizes gives on average."""
    by_chance_95: float | None
    """What 95 % of such cuts stay below."""
    p_value: float | None = None
    """Of the Kolmogorov-Smirnov test; too small where speakers differ, for it takes utterances for independent."""
    not_examined: str = ""
    """Why not, where it was not."""

    @property
    def exceeds_chance(self) -> bool:
        """Whether 95 % of random cuts stay below the distance."""
        return None not in (self.distance, self.by_chance_95) and self.distance > self.by_chance_95  # type: ignore[operator]


@dataclass(frozen=True)
class Traits:
    """What is compared, per example."""

    targets: NDArray[np.int64]
    genders: NDArray[np.int64]
    """-1 where unknown."""
    durations_s: NDArray[np.float64]
    """NaN where unknown."""
    levels_dbfs: NDArray[np.float64] | None
    """NaN where unknown; None where nobody listened."""


def traits_of(
    heard: Heard, examples: Sequence[Example], genders: Sequence[str], sketches: Sketches | None
) -> Traits:
    """Everything that is compared, in the order of the examples."""
    durations_s = np.array([example.duration_s for example in examples], dtype=np.float64)
    durations_s[durations_s <= 0] = np.nan
    return Traits(
        targets=_codes([example.target for example in examples]),
        genders=_codes(["" if gender == UNKNOWN else gender for gender in genders]),
        durations_s=durations_s,
        levels_dbfs=None if sketches is None else _levels(heard, sketches),
    )


def _codes(names: Sequence[str]) -> NDArray[np.int64]:
    number = {name: place for place, name in enumerate(sorted(set(names) - {""}))}
    return np.array([number.get(name, -1) for name in names], dtype=np.int64)


def _levels(heard: Heard, sketches: Sketches) -> NDArray[np.float64]:
    """Mean level of what an example reads."""
    level = sketches.table["level_dbfs"].reindex(heard.table["id"].tolist()).to_numpy(dtype=np.float64)
    return np.array([level[list(rows)].mean() if rows else math.nan for rows in heard.rows])


def shifts(parts: Parts, traits: Traits) -> tuple[Shift, ...]:
    """Compare train with test."""
    return (
        _variation("class", traits.targets, parts),
        _variation("gender", traits.genders, parts),
        _distance("duration", traits.durations_s, parts),
        _distance("level", traits.levels_dbfs, parts)
        if traits.levels_dbfs is not None
        else _not_examined("level", KS, "the audio was not read"),
    )


TV, KS = "total variation", "Kolmogorov-Smirnov"


def _not_examined(quantity: str, measure: str, why: str) -> Shift:
    return Shift(
        quantity=quantity,
        measure=measure,
        distance=None,
        by_chance=None,
        by_chance_95=None,
        not_examined=why,
    )


def _variation(quantity: str, codes: NDArray[np.int64], parts: Parts) -> Shift:
    train, test = (_counts(codes, mask) for mask in (parts.train, parts.test))
    if not train.sum() or not test.sum():
        return _not_examined(quantity, TV, f"the {quantity} is not known on both sides")
    rng = np.random.default_rng(SEED)
    pool, size = train + test, int(test.sum())
    drawn = rng.multivariate_hypergeometric(pool, size, size=DRAWS, method="marginals")
    chance = total_variation(pool - drawn, drawn)
    return Shift(
        quantity=quantity,
        measure=TV,
        distance=float(total_variation(train, test)),
        by_chance=float(chance.mean()),
        by_chance_95=float(np.quantile(chance, 0.95)),
    )


def _counts(codes: NDArray[np.int64], mask: Mask) -> NDArray[np.int64]:
    present = codes[mask]
    return np.bincount(present[present >= 0], minlength=int(codes.max(initial=0)) + 1).astype(np.int64)


def total_variation(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """Half the sum of absolute differences of the shares.

    Args:
        one: (..., classes) counts.
        other: the same shape.

    >>> float(total_variation(np.array([3, 1]), np.array([1, 3])))
    0.5
    """
    shares = [counts / counts.sum(axis=-1, keepdims=True) for counts in (one, other)]
    return np.asarray(np.abs(shares[0] - shares[1]).sum(axis=-1) / 2, dtype=np.float64)


def _distance(quantity: str, values: NDArray[np.float64], parts: Parts) -> Shift:
    from scipy.stats import ks_2samp

    train, test = (values[mask & ~np.isnan(values)] for mask in (parts.train, parts.test))
    if not len(train) or not len(test):
        return _not_examined(quantity, KS, f"the {quantity} is not known on both sides")
    few = len(train) * len(test) < EXACT_BELOW
    found = ks_2samp(train, test, method="exact" if few else "asymp")
    scale = math.sqrt((len(train) + len(test)) / (len(train) * len(test)))
    return Shift(
        quantity=quantity,
        measure=KS,
        distance=float(found.statistic),
        by_chance=min(1.0, KOLMOGOROV_MEAN * scale),
        by_chance_95=min(1.0, KOLMOGOROV_95 * scale),
        p_value=float(found.pvalue),
    )
