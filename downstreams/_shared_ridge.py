"""The ridge probe of one fold whose regressions come from the sums that all folds of a study share."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from downstreams._layers import Rows, Standardise
from downstreams._probe import LinearProbe, Train, Variant, _Candidate
from downstreams._shared_grams import Scaling, SharedGrams, Solution
from harness.contracts import Shape

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)


class SharedRidge(LinearProbe):
    """As `LinearProbe`; the same candidates in the same order.

    Args:
        shape: of the views.
        layer: `auto` or an index.
        train: how the model is fitted where the sums cannot be used.
        alphas: penalties.
        shared: what the folds have in common.
        fold: which of them this is.
    """

    def __init__(
        self,
        shape: Shape,
        layer: int | str,
        train: Train,
        *,
        alphas: Sequence[float],
        shared: SharedGrams,
        fold: int,
    ) -> None:
        super().__init__(shape, layer, train, len(alphas))
        self._alphas, self._shared, self._fold = alphas, shared, fold

    def _fitted(self, means: Tensor, targets: Tensor) -> Iterator[_Candidate]:
        solutions = self._solutions(len(targets))
        if solutions is None:
            yield from super()._fitted(means, targets)
            return
        for layer, solution in solutions.items():
            standardise = _Given(solution.scaling)
            for alpha, weights in zip(self._alphas, solution.weights, strict=True):
                decide = partial(_decide, weights, solution.offset)
                yield _Candidate(layer, standardise, Variant({"alpha": alpha}, decide))

    def _solutions(self, utterances: int) -> dict[int, Solution] | None:
        """Layer by layer; None where one of them has to be fitted, or refused, in the plain way."""
        if utterances != self._shared.sizes[self._fold]:
            return None
        found = {}
        for layer in self._layers:
            solution = self._shared.of(self._fold, layer) if isinstance(layer, int) else None
            if solution is None or not solution.scaling.alive.any():
                return None
            found[int(layer)] = solution
        return found


class _Given(Standardise):
    """Standardising by numbers that are known already."""

    def __init__(self, scaling: Scaling) -> None:
        self._scaling = scaling
        constant = int((~scaling.alive).sum())
        if constant:
            logger.info("%d of %d columns are constant in training and set to 0", constant, len(scaling.mean))

    def __call__(self, rows: Rows) -> Rows:
        """The same columns, standardised."""
        mean, deviation, alive = self._scaling
        scaled: Rows = np.where(alive, (rows - mean) / deviation, 0.0)
        return scaled


def _decide(weights: Rows, offset: Rows, rows: Rows) -> Rows:
    values: Rows = rows @ weights + offset
    return values
