"""Quantities per class that several metrics are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.metrics._outcomes import Counts, Values


def hits(counts: Counts) -> Values:
    """(..., C) correct predictions per class."""
    return np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)


def support(counts: Counts) -> Values:
    """(..., C) examples per class, by truth."""
    return total(counts)


def predicted(counts: Counts) -> Values:
    """(..., C) predictions per class."""
    return np.asarray(counts.sum(axis=-2), dtype=np.float64)


def total(values: Values) -> Values:
    """(..., C) -> (...): sum over the last axis."""
    return np.asarray(values.sum(axis=-1), dtype=np.float64)


def f1(counts: Counts) -> Values:
    """(..., C) harmonic mean of precision and recall; 0 for a class neither true nor predicted.

    Written as 2 hits / (true + predicted), which needs no case for an undefined precision or recall.
    """
    return ratio(2.0 * hits(counts), support(counts) + predicted(counts))


def ratio(above: Values, below: Values) -> Values:
    """Elementwise `above / below`, 0 where `below` is 0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def mean_where(values: Values, present: NDArray[np.bool_]) -> Values:
    """(..., C) -> (...): mean over the classes marked present; at least one is."""
    return total(values * present) / total(present.astype(np.float64))
