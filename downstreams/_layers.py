"""Which layers a probe may read, and what it reads of them: standardised time means."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Shape
from harness.errors import CheckError, ConfigError

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

Rows: TypeAlias = NDArray[np.float64]

CONCAT = "concat"


def layer_candidates(layer: int | str, shape: Shape) -> list[int | str]:
    """Resolve the setting `layer` of a probe.

    Args:
        layer: an index from 0 (negative: from the end), `auto` for every layer in turn, `concat` for all side
            by side.
        shape: of the views.

    Raises:
        ConfigError: another word, or an index that the view does not have.

    >>> layer_candidates("auto", Shape(layers=3, dim=8, classes=2))
    [0, 1, 2]
    >>> layer_candidates(-1, Shape(layers=3, dim=8, classes=2))
    [2]
    """
    if layer == "auto":
        return list(range(shape.layers))
    if layer == CONCAT:
        return [CONCAT] if shape.layers > 1 else [0]
    if isinstance(layer, int) and -shape.layers <= layer < shape.layers:
        return [layer % shape.layers]
    raise ConfigError(
        "head.layer does not name a layer of this view",
        got=layer,
        wanted=f"auto, concat, or 0 to {shape.layers - 1}",
        next_step="head.layer=auto",
    )


def layer_rows(means: Tensor, layer: int | str) -> Rows:
    """One layer (or all side by side) of (utterances, layers, dim) time means, in double precision."""
    chosen = means.reshape(len(means), -1) if layer == CONCAT else means[:, int(layer)]
    rows: Rows = chosen.double().numpy()
    return rows


class Standardise:
    """Zero mean and unit deviation by the statistics of the training part.

    A column that is constant in training becomes zero: it can tell nothing apart, and is counted in the log.

    Args:
        rows: (utterances, columns) of the training part.

    Raises:
        CheckError: every column is constant.
    """

    def __init__(self, rows: Rows) -> None:
        from sklearn.preprocessing import StandardScaler

        self._scaler: Any = StandardScaler().fit(rows)
        self._alive: NDArray[np.bool_] = np.ptp(rows, axis=0) > 0
        constant = int((~self._alive).sum())
        if constant == rows.shape[1]:
            raise CheckError(
                "the features do not vary over the training part",
                got=f"{constant} constant columns of {rows.shape[1]}, {len(rows)} utterances",
                wanted="at least one column that varies",
                next_step="python -m harness check upstream=NAME, or another layer",
            )
        if constant:
            logger.info("%d of %d columns are constant in training and set to 0", constant, rows.shape[1])

    def __call__(self, rows: Rows) -> Rows:
        """The same columns, standardised."""
        scaled: Rows = np.where(self._alive, self._scaler.transform(rows), 0.0)
        return scaled


class RowSpace:
    """Coordinates of the rows in the space that the training rows span.

    A linear model with a penalty on the length of its weights has its solution in that space, and lengths and
    angles are kept: with more columns than utterances (ComParE: 6,373 against some 500) this changes no answer
    and leaves one column per utterance. With fewer columns the rows stay as they are.

    Args:
        rows: (utterances, columns) of the training part, standardised.
    """

    def __init__(self, rows: Rows) -> None:
        self._basis: Rows | None = np.linalg.qr(rows.T)[0] if rows.shape[1] > rows.shape[0] else None

    def __call__(self, rows: Rows) -> Rows:
        """(utterances, min(columns, training utterances))."""
        return rows if self._basis is None else rows @ self._basis
