"""From features as they are stored to what a head reads: reduced and standardised on training utterances only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST = 1e-6
"""Of the largest deviation: a principal component that varies less is rounding."""


def standardised(values: NDArray[np.float32], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """Every column with mean 0 and deviation 1 over the training rows; one that is constant there is only centred.

    Args:
        values: (utterances, dim).
        train: rows that the statistics are taken from, each once.

    Returns:
        (utterances, dim) float32.
    """
    fitted = values[train].astype(np.float64)
    mean, deviation = fitted.mean(axis=0), fitted.std(axis=0)
    constant = deviation <= np.finfo(np.float32).eps * np.abs(mean)
    scaled = (values.astype(np.float64) - mean) / np.where(constant, 1.0, deviation)
    return np.asarray(scaled, np.float32)


def reduced(values: NDArray[np.float32], train: NDArray[np.int64], dim: int) -> NDArray[np.float32]:
    """The first principal components of the training rows, at most `dim` of them.

    There are fewer where the features are narrower, or where the training rows do not span so many; features that
    are not wider than `dim` are rotated and keep what they say.

    Args:
        values: (utterances, width).
        train: rows that the components are taken from, each once.
        dim: wanted width.

    Returns:
        (utterances, components) float32, centred on the training rows; one column of zeros where all are alike.
    """
    from sklearn.decomposition import PCA

    fitted = values[train].astype(np.float64)
    if (fitted == fitted[0]).all():
        return np.zeros((len(values), 1), np.float32)
    most = max(1, min(dim, values.shape[1], len(train) - 1))
    components = PCA(n_components=most, svd_solver="full").fit(fitted)
    spread = np.sqrt(components.explained_variance_)
    kept = max(1, int((spread > _SMALLEST * spread[0]).sum()))
    return np.asarray(components.transform(values.astype(np.float64))[:, :kept], np.float32)
