"""Micro-batches ready for an update, read and masked ahead of the training by a few threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.pretrain._batches import Batch
from harness.pretrain._clips import Clip

if TYPE_CHECKING:
    from torch import Tensor

AHEAD = 4
"""Micro-batches that are read before they are asked for."""

Prepare = Callable[["Tensor", np.random.Generator], Mapping[str, "Tensor"]]
"""(utterances, samples) waves and the generator of a micro-batch, to what a loss is taken of."""
Wanted = tuple[Batch, tuple[int, ...]]
"""A micro-batch, and the seed of everything that is drawn for it."""


class Fed(NamedTuple):
    """One micro-batch, on the CPU."""

    tensors: Mapping[str, Tensor]
    samples: int
    """Heard in it, over all its utterances."""


class Feed:
    """Reads micro-batches in order; use it with `with`, so that its threads end."""

    def __init__(self, clips: Sequence[Clip], longest: int, threads: int) -> None:
        self._clips, self._longest = clips, longest
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="feed")

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def read(self, wanted: Iterable[Wanted], prepare: Prepare) -> Iterator[Fed]:
        """Micro-batches in the order of `wanted`."""
        waiting: deque[Future[Fed]] = deque()
        for batch, seed in wanted:
            waiting.append(self._pool.submit(self._one, batch, seed, prepare))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _one(self, batch: Batch, seed: tuple[int, ...], prepare: Prepare) -> Fed:
        rng = np.random.default_rng(seed)
        waves = self.waves(batch, rng)
        return Fed(prepare(waves, rng), waves.numel())

    def waves(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        """(utterances, samples) float32 at 16 kHz, each cropped at random to the shortest of them."""
        import torch

        waves = [np.asarray(self._clips[place].wave(), dtype=np.float32) for place in batch]
        length = min(self._longest, *(len(wave) for wave in waves))
        starts = [int(rng.integers(0, len(wave) - length + 1)) for wave in waves]
        cut = [wave[start : start + length] for wave, start in zip(waves, starts, strict=True)]
        return torch.from_numpy(np.stack(cut))
