"""The view of all utterances of a study, of which every fold takes its rows; mapped from disk where it is large.

A large one is assembled in the cache from the store's shards, a few utterances at a time, and its folds are rows
of it that are copied where they are used: memory grows with the batch and the index, not with the corpus. On disk
it takes 4 bytes per row, layer and dimension, once for all heads, folds, seeds and processes that read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.adapt import Groups, zscore
from harness.contracts import Means, PackedFrames
from harness.features import Features, Stores
from harness.mapped import Floats, mapped
from harness.paths import cache_root
from harness.record import run_key
from harness.study import Study
from harness.views import view_layers

if TYPE_CHECKING:
    from torch import Tensor

MIB = 1 << 20
IN_MEMORY_BYTES = 64 * MIB
"""A view up to this size stays in memory, and folds copy their rows."""
BLOCK_BYTES = 16 * MIB
"""Assembled at a time."""
FORMAT = 1
"""Raised when the same name would hold other numbers."""


@dataclass(frozen=True)
class Whole:
    """All utterances of a study, in the order that was asked for."""

    view: Means | PackedFrames
    mapped: bool

    def part(self, rows: Tensor) -> Means | PackedFrames:
        """The utterances at these positions (int64): a copy from memory, a selection from disk."""
        return self.view.select(rows) if self.mapped else self.view.take(rows)


def whole_view(study: Study, features: Features, stores: Stores, ids: Sequence[str]) -> Whole:
    """The view of all utterances that a study reads.

    Args:
        study: says which view, and whose statistics standardise whom.
        features: that were prepared.
        stores: that serve the fold in question.
        ids: of all utterances of the study.

    Raises:
        StoreError: features are missing or damaged, or the disk is full.
    """
    counts = features.row_counts(stores, ids)
    shape = (int(counts.sum()), *view_shape(study, stores))
    if 4 * np.prod(shape, dtype=np.int64) <= IN_MEMORY_BYTES:
        return Whole(features.view(stores, ids), mapped=False)
    return Whole(_assembled(study, features, stores, ids, counts), mapped=True)


def view_shape(study: Study, stores: Stores) -> tuple[int, int]:
    """Layers and width of a study's view."""
    key = stores[0].key
    return view_layers(study.view, key.layers), key.dim


def _assembled(
    study: Study, features: Features, stores: Stores, ids: Sequence[str], counts: np.ndarray
) -> Means | PackedFrames:
    import torch

    shape = view_shape(study, stores)
    groups = study.speaker_groups(ids)
    offsets = torch.from_numpy(np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]))
    frames = study.head.module.NEEDS == "frames"

    def as_view(values: Tensor) -> Means | PackedFrames:
        return PackedFrames(values, offsets) if frames else Means(values)

    def blocks() -> Iterator[Floats]:
        for some in _cut(ids, counts * 4 * shape[0] * shape[1]):
            yield features.stored(stores, some).values.numpy()

    def finish(values: Floats) -> None:
        if groups is not None:
            zscore(as_view(torch.from_numpy(values)), groups)

    path = cache_root() / "views" / f"{_name(study, stores, ids, groups)}.npy"
    return as_view(mapped(path, (int(counts.sum()), *shape), blocks, finish))


def _cut(ids: Sequence[str], sizes: np.ndarray) -> Iterator[Sequence[str]]:
    """Runs of utterances of about a block's size."""
    block = np.cumsum(sizes) // BLOCK_BYTES
    edges = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(ids)]
    for first, last in pairwise(edges):
        yield ids[first:last]


def _name(study: Study, stores: Stores, ids: Sequence[str], groups: Groups | None) -> str:
    """Names everything that shapes the numbers: what is in the stores, which of it, in which order, and how."""
    return run_key(
        {
            "format": FORMAT,
            "stores": [store.name for store in stores],
            "needs": study.head.module.NEEDS,
            "view": asdict(study.view),
            "ids": list(ids),
            "speakers": None if groups is None else {"of": groups.of, "corpora": groups.corpora},
        }
    )[:32]
