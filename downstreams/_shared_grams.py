"""Ridge regressions of many folds from the sums that the folds share: closed form, without their rows.

A fold's least squares need the products of columns summed over its training utterances, and nothing else of them.
Utterances that the same folds train on form a group; a group's sums are taken once, and every fold adds up those
of its groups. Standardising is algebra on the sums: with mean m and deviation s, the products of the standardised
columns are D(X'X - n mm')D for D = diag(1/s). One mean of all utterances is subtracted first, so that no digits
are lost to large means; everything is in double precision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from downstreams._layers import Rows

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contracts import Means

Flags: TypeAlias = NDArray[np.bool_]

ROWS_AT_ONCE = 2048
LARGEST_BYTES = 1 << 30
"""Of the products of all groups of a layer; with more groups every fold is fitted by itself."""


class Scaling(NamedTuple):
    """Standardising by a fold's training part."""

    mean: Rows
    deviation: Rows
    """1 where a column varies by no more than rounding."""
    alive: Flags
    """Whether there are two values in a column."""


class Solution(NamedTuple):
    """The ridge regressions of a fold on one layer."""

    scaling: Scaling
    weights: tuple[Rows, ...]
    """Per strength, (columns, classes of the training part) on standardised columns."""
    offset: Rows
    """(classes of the training part,), the same for all strengths."""


class _Sums(NamedTuple):
    """Over some utterances, of columns from which one mean was subtracted."""

    products: Rows
    """(columns, columns)."""
    by_class: Rows
    """(classes, columns)."""
    counts: NDArray[np.int64]
    """(classes,) utterances."""
    low: Rows
    high: Rows
    """(columns,): smallest and largest values."""

    def with_(self, other: _Sums) -> _Sums:
        return _Sums(
            self.products + other.products,
            self.by_class + other.by_class,
            self.counts + other.counts,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )


class SharedGrams:
    """What the folds of a study have in common.

    Args:
        view: time means of all utterances.
        targets: (utterances,) int64 class indices.
        trains: per fold, the positions of its training utterances, each once.
        classes: of the task.
        layers: that are tried.
        alphas: penalties that are tried.
    """

    def __init__(
        self,
        view: Means,
        targets: Tensor,
        trains: Sequence[Tensor],
        *,
        classes: int,
        layers: Sequence[int],
        alphas: Sequence[float],
    ) -> None:
        self._view, self._targets, self._classes = view, targets.numpy(), classes
        self._layers, self._alphas = layers, alphas
        self.sizes = [len(train) for train in trains]
        member = np.zeros((len(targets), len(trains)), bool)
        for fold, train in enumerate(trains):
            member[train.numpy(), fold] = True
        self._signatures, group = np.unique(member, axis=0, return_inverse=True)
        self._group = group.reshape(-1)

    @property
    def worth_it(self) -> bool:
        """Whether the groups' sums fit into memory, and there is more than one fold to share them."""
        size = 8 * len(self._signatures) * self._view.values.shape[2] ** 2
        return len(self.sizes) > 1 and size <= LARGEST_BYTES

    def of(self, fold: int, layer: int) -> Solution | None:
        """The regressions of a fold on a layer; None where they have to be fitted by themselves.

        That is where there are no more utterances than columns, or where a value is not finite.
        """
        return self._solved[layer][fold]

    @cached_property
    def _solved(self) -> dict[int, list[Solution | None]]:
        """Layer by layer, so that memory holds the sums of one."""
        return {layer: self._layer(layer) for layer in self._layers}

    def _layer(self, layer: int) -> list[Solution | None]:
        centre = self._centre(layer)
        used = np.flatnonzero(self._signatures.any(axis=1))
        groups = {int(group): self._sums(layer, int(group), centre) for group in used}
        return [self._solve(fold, groups, centre) for fold in range(len(self.sizes))]

    def _centre(self, layer: int) -> Rows:
        """The mean over all utterances that any fold trains on."""
        trained_on: Flags = np.asarray(self._signatures.any(axis=1))
        used = np.flatnonzero(trained_on[self._group])
        total = np.zeros(self._view.values.shape[2])
        for rows, _ in self._blocks(layer, used):
            total += rows.sum(axis=0)
        mean: Rows = total / max(1, len(used))
        return mean

    def _sums(self, layer: int, group: int, centre: Rows) -> _Sums:
        columns = len(centre)
        sums = _Sums(
            np.zeros((columns, columns)),
            np.zeros((self._classes, columns)),
            np.zeros(self._classes, np.int64),
            np.full(columns, np.inf),
            np.full(columns, -np.inf),
        )
        for rows, classes in self._blocks(layer, np.flatnonzero(self._group == group)):
            own = np.eye(self._classes)[classes]
            low, high = rows.min(axis=0), rows.max(axis=0)
            moved = rows - centre
            sums = sums.with_(
                _Sums(moved.T @ moved, own.T @ moved, own.sum(axis=0).astype(np.int64), low, high)
            )
        return sums

    def _blocks(self, layer: int, positions: NDArray[np.int64]) -> Iterator[tuple[Rows, NDArray[np.int64]]]:
        """A layer of these utterances, and their classes, some at a time."""
        import torch

        lying = self._view.rows()
        table = lying.table[:, layer]
        for first in range(0, len(positions), ROWS_AT_ONCE):
            some = positions[first : first + ROWS_AT_ONCE]
            rows: Rows = table.index_select(0, lying.at[torch.from_numpy(some)]).double().numpy()
            yield rows, self._targets[some]

    def _solve(self, fold: int, groups: dict[int, _Sums], centre: Rows) -> Solution | None:
        own = [groups[group] for group in groups if self._signatures[group, fold]]
        if self.sizes[fold] <= len(centre):
            return None
        sums = own[0]
        for more in own[1:]:
            sums = sums.with_(more)
        if not np.isfinite(sums.products).all():
            return None
        return _solved(sums, centre, self._alphas)


def _solved(sums: _Sums, centre: Rows, alphas: Sequence[float]) -> Solution:
    """Targets are 1 for the class and -1 for the others, so that their products follow from sums over classes."""
    from scipy.linalg import cho_factor, cho_solve

    count, present = int(sums.counts.sum()), np.flatnonzero(sums.counts)
    shift = sums.by_class.sum(axis=0) / count
    products = sums.products - count * np.outer(shift, shift)
    scaling = _scaling(np.diag(products) / count, centre + shift, count, sums)
    factor = np.where(scaling.alive, 1 / scaling.deviation, 0.0)
    products *= np.outer(factor, factor)
    right = 2 * (sums.by_class[present] - sums.counts[present, None] * shift) * factor
    weights = []
    for alpha in alphas:
        ridge = products.copy()
        ridge[np.diag_indices_from(ridge)] += alpha
        weights.append(
            cho_solve(cho_factor(ridge, lower=True, overwrite_a=True, check_finite=False), right.T)
        )
    return Solution(scaling, tuple(weights), 2 * sums.counts[present] / count - 1)


def _scaling(variance: Rows, mean: Rows, count: int, sums: _Sums) -> Scaling:
    """As scikit-learn's StandardScaler: a variance that rounding explains is not divided by."""
    rounding = np.finfo(np.float64).eps * count
    still = variance <= rounding * variance + (rounding * mean) ** 2
    return Scaling(mean, np.sqrt(np.where(still, 1.0, variance)), sums.high > sums.low)
