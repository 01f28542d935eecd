"""Waves ready for an update, read ahead of the training by a few threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.pretrain._batches import Batch
from harness.pretrain._clips import Clip

if TYPE_CHECKING:
    from torch import Tensor

AHEAD = 4
"""Micro-batches that are read before they are asked for."""


class Fed(NamedTuple):
    """One micro-batch as waves."""

    waves: Tensor
    """(utterances, samples) float32 at 16 kHz, all cropped to the shortest."""
    rng: np.random.Generator
    """For its masks; its stream begins where the crops ended."""


class Feed:
    """Reads micro-batches in order; close it, or use it with `with`."""

    def __init__(self, clips: Sequence[Clip], longest: int, threads: int) -> None:
        self._clips, self._longest = clips, longest
        self._pool = ThreadPoolExecutor(max_workers=threads)

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def read(self, wanted: Iterator[tuple[Batch, Callable[[], np.random.Generator]]]) -> Iterator[Fed]:
        """Micro-batches in the order of `wanted`, each with the generator of its own."""
        waiting: deque[Future[Fed]] = deque()
        for batch, generator in wanted:
            waiting.append(self._pool.submit(self._one, batch, generator()))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _one(self, batch: Batch, rng: np.random.Generator) -> Fed:
        import torch

        waves = [np.asarray(self._clips[place].wave(), dtype=np.float32) for place in batch]
        length = min(self._longest, *(len(wave) for wave in waves))
        starts = [int(rng.integers(0, len(wave) - length + 1)) for wave in waves]
        cut = [wave[start : start + length] for wave, start in zip(waves, starts, strict=True)]
        return Fed(torch.from_numpy(np.stack(cut)), rng)
