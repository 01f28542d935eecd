"""From names of classes to counts of what was taken for what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import MetricError, did_you_mean
from harness.metrics._outcomes import Indices, Outcomes, Statistic, Sums, Tally


def confusion(truth: Sequence[str], predicted: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """Count what was taken for what.

    Args:
        truth: (examples,) class names.
        predicted: (examples,) class names, in the same order.
        classes: (C,) order of rows and columns.

    Returns:
        (C, C) counts, rows truth, columns prediction.

    Raises:
        MetricError: the two differ in length, are empty, or hold a name that is no class.

    >>> confusion(["sad", "sad", "joy"], ["sad", "joy", "joy"], ["joy", "sad"]).tolist()
    [[1, 0], [1, 1]]
    """
    if len(truth) != len(predicted) or len(truth) == 0:
        raise MetricError(
            "a confusion matrix needs one prediction per truth, and at least one",
            got=f"{len(truth)} truths and {len(predicted)} predictions",
        )
    rows, columns = class_indices(truth, classes), class_indices(predicted, classes)
    flat = np.bincount(rows * len(classes) + columns, minlength=len(classes) ** 2)
    return flat.reshape(len(classes), len(classes)).astype(np.int64)


def class_indices(names: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """(examples,) positions of the names among the classes.

    Raises:
        MetricError: a name is no class, or a class is listed twice.
    """
    index = {name: position for position, name in enumerate(classes)}
    if len(index) < len(classes):
        raise MetricError("a class is listed twice", got=list(classes), wanted="every class once")
    unknown = sorted({str(name) for name in names} - set(index))
    if unknown:
        raise MetricError(
            f"{unknown[0]!r} is no class of this task",
            got=f"{len(unknown)} unknown name(s)",
            wanted=did_you_mean(unknown[0], index),
            next_step="score with the classes that the predictions were made with",
        )
    return np.fromiter((index[name] for name in names), dtype=np.int64, count=len(names))


def _tally(outcomes: Outcomes) -> Tally:
    size = len(outcomes.outputs)

    def tally(chosen: Indices, groups: Indices, count: int) -> Sums:
        flat = (groups * size + outcomes.truth_class[chosen]) * size + outcomes.predicted_class[chosen]
        counts = np.bincount(flat, minlength=count * size * size)
        return counts.reshape(count, size, size).astype(np.float64)

    return tally


def _check(name: str, counts: Sums) -> None:
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


CONFUSION = Statistic("confusion", ("classes", "shares"), _tally, _check)
"""(..., C, C) counts, rows truth, columns prediction; for shares of the classes with the largest one."""
