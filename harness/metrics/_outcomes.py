"""What metrics are made of: outcomes of examples, and sums over them.

Every metric here is a function of sums over examples. That is what makes the bootstrap over speakers cheap and
exact: the sums of a speaker count as often as the speaker was drawn, and no example is looked at twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Kind
from harness.errors import MetricError

Sums = NDArray[np.float64]
"""(..., *shape) sums over examples, of one shape per statistic."""

Counts = Sums
"""(..., C, C) non-negative counts, rows truth, columns prediction; whole numbers in floats are exact."""

Values = NDArray[np.float64]
"""(...) one score per set of sums."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Truth and prediction of every example, as far as the kind of target has them."""

    kind: Kind
    outputs: tuple[str, ...]
    """Classes, or names of the scales."""
    truth_class: Indices
    """(examples,) class indices, for shares the class with the largest one; empty for scales."""
    predicted_class: Indices
    truth: NDArray[np.float64]
    """(examples, outputs) numbers on scales, or shares that add up to 1; empty for classes."""
    predicted: NDArray[np.float64]


Tally = Callable[[Indices, Indices, int], Sums]
"""(rows, group of each row, number of groups) -> (groups, *shape): the sums of these rows, group by group."""


@dataclass(frozen=True)
class Statistic:
    """A sum over examples that metrics read."""

    name: str
    kinds: tuple[Kind, ...]
    """Which targets have it."""
    tally: Callable[[Outcomes], Tally]
    check: Callable[[str, Sums], None]
    """Refuses sums that a metric (named in the message) cannot be computed from."""


def row_sums(rows: NDArray[np.float64]) -> Tally:
    """The tally of numbers that every example has.

    Args:
        rows: (examples, *shape) what each example adds.
    """

    def tally(chosen: Indices, groups: Indices, count: int) -> Sums:
        sums = np.zeros((count, *rows.shape[1:]))
        np.add.at(sums, groups, rows[chosen])
        return sums

    return tally


def check_columns(name: str, sums: Sums, columns: int, what: str) -> None:
    """Refuse sums (..., outputs, columns) of another size, that are not finite, or of no example.

    The first column counts examples.

    Raises:
        MetricError: says which.
    """
    if sums.ndim < 2 or sums.shape[-1] != columns or sums.shape[-2] == 0:
        raise MetricError(
            f"{name} reads {what}", got=f"shape {sums.shape}", wanted=f"(..., outputs, {columns})"
        )
    if not np.isfinite(sums).all():
        raise MetricError(f"{name} reads {what}", got="a value that is not finite", wanted="finite numbers")
    if sums.size == 0 or (sums[..., 0] <= 0).any():
        raise MetricError(
            f"{name} is not defined without examples",
            got="sums over nothing",
            wanted="at least one example",
            next_step="look for an empty part or fold",
        )
