"""Which utterances share a micro-batch, and in which order micro-batches come: a function of the seed alone.

As fairseq batches raw audio (`fairseq/data/audio/raw_audio_dataset.py` at 3d262bb): sorted by length, as many as
fit under the budget, all cropped to the shortest of them, so that nothing is padded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.errors import ConfigError
from harness.pretrain._config import BatchRule

Batch = tuple[int, ...]
"""Places of utterances in the list of clips."""


def batches_by_length(samples: Sequence[int], rule: BatchRule) -> list[Batch]:
    """Micro-batches under the budget, from the longest utterances to the shortest.

    Args:
        samples: length of every utterance.
        rule: the budget, and the length beyond which an utterance is cropped.

    Raises:
        ConfigError: a single utterance exceeds the budget.
    """
    lengths = np.minimum(np.asarray(samples, dtype=np.int64), rule.longest)
    if len(lengths) and int(lengths.max()) > rule.max_samples:
        raise ConfigError(
            "one utterance alone exceeds the budget of a micro-batch",
            got=f"{int(lengths.max())} samples",
            wanted=f"at most batch.max_samples={rule.max_samples}",
            next_step="set batch.longest lower, or batch.max_samples higher",
        )
    made: list[Batch] = []
    current: list[int] = []
    for place in np.argsort(-lengths, kind="stable").tolist():
        longest = int(lengths[current[0]]) if current else int(lengths[place])
        if current and longest * (len(current) + 1) > rule.max_samples:
            made.append(tuple(current))
            current = []
        current.append(place)
    return [*made, tuple(current)] if current else made


class Order:
    """Micro-batches of every update, the same for any number of processes and after any interruption."""

    def __init__(self, batches: Sequence[Batch], per_update: int, seed: int) -> None:
        self._batches, self._per_update, self._seed = batches, per_update, seed
        self._epoch, self._shuffled = -1, np.empty(0, dtype=np.int64)

    def update(self, number: int) -> list[Batch]:
        """The micro-batches of an update; epochs follow each other without a gap."""
        first = number * self._per_update
        return [self._at(place) for place in range(first, first + self._per_update)]

    def epoch(self, number: int) -> float:
        """How often everything was heard before this update."""
        return number * self._per_update / len(self._batches)

    def _at(self, place: int) -> Batch:
        epoch, within = divmod(place, len(self._batches))
        if epoch != self._epoch:
            self._epoch = epoch
            self._shuffled = np.random.default_rng([self._seed, epoch]).permutation(len(self._batches))
        return self._batches[int(self._shuffled[within])]
