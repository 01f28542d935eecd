"""Shortcuts that count: what came with a name (a speaker, a sentence) in the training part, on average."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Kind
from harness.shortcuts._cues import Cue

SMALLEST = 1e-12
"""Stands for a share of zero, whose logarithm would not be finite."""


@dataclass(frozen=True)
class Identity:
    """The mean target given a name, with that of the training part for a name that it lacks, or an empty one.

    The mean of the training part counts as one observation of every name (for classes, a Dirichlet prior of
    strength one): it settles ties and overrules no count, so that one utterance more of a class wins for its
    speaker or sentence.
    """

    name_of: Callable[[Cue], str]

    def fit(
        self, cues: Sequence[Cue], targets: NDArray[np.float64], kind: Kind
    ) -> Callable[[Sequence[Cue]], NDArray[np.float32]]:
        """Average; gives a function from (examples,) cues to (examples, classes) log shares, or numbers."""
        nothing = np.zeros(targets.shape[1])
        sums: dict[str, NDArray[np.float64]] = {}
        counts: dict[str, int] = {}
        for cue, target in zip(cues, targets, strict=True):
            name = self.name_of(cue)
            sums[name] = sums.get(name, nothing) + target
            counts[name] = counts.get(name, 0) + 1
        prior, known = targets.sum(axis=0) / len(targets), set(sums) - {""}

        def predict(tested: Sequence[Cue]) -> NDArray[np.float32]:
            names = [name if name in known else None for name in map(self.name_of, tested)]
            given = np.stack([nothing if name is None else sums[name] for name in names]) + prior
            seen = np.array([1 if name is None else 1 + counts[name] for name in names])
            return as_output(given / seen[:, None], kind)

        return predict


def as_output(means: NDArray[np.float64], kind: Kind) -> NDArray[np.float32]:
    """Numbers as they are; shares, brought to a sum of 1, as their logarithms."""
    if kind == "scales":
        return means.astype(np.float32)
    shares = means / means.sum(axis=1, keepdims=True)
    return np.asarray(np.log(np.maximum(shares, SMALLEST)), dtype=np.float32)
