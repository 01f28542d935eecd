"""SYNTHETIC features with a weak class signal, in files that every variant of a head maps."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks._cell import Values, Work
from harness.contracts import Labelled, Means, PackedFrames

CLASSES = 4
MEAN_FRAMES = 225


class Features(NamedTuple):
    """Of a made-up corpus; targets and the sizes belong together."""

    values: Tensor
    """(utterances, layers, dim) time means, or (frames, 1, dim)."""
    targets: Tensor
    counts: Tensor
    """(utterances,) frames; ones for time means."""

    def labelled(self, rows: Tensor) -> Labelled:
        """Some utterances as a run shows them to a head: rows of what is mapped."""
        if int(self.counts.sum()) == len(self.counts):
            return Labelled(Means(self.values).select(rows), self.targets[rows])
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), self.counts.cumsum(0)])
        return Labelled(PackedFrames(self.values, offsets).select(rows), self.targets[rows])


def make_features(settings: Values) -> Work:
    """Work: write `utterances` of `layers` x `dim`, as frames (`frames` on average) or as time means."""

    def work() -> Values:
        write_features(
            Path(settings["folder"]),
            int(settings["utterances"]),
            (settings["layers"], settings["dim"]),
            mean_frames=settings.get("frames"),
            signal=settings.get("signal", 0.05),
        )
        return {}

    return work


def write_features(
    folder: Path,
    utterances: int,
    shape: tuple[int, int],
    *,
    mean_frames: int | None = None,
    signal: float = 0.05,
) -> None:
    """Class mean + what an utterance has of its own + noise of every frame (drawn once, and used in turns)."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(0)
    targets = draw.integers(CLASSES, size=utterances)
    counts = np.ones(utterances, np.int64)
    if mean_frames:
        counts = np.maximum(draw.gamma(2.0, mean_frames / 2, utterances), 10).astype(np.int64)
    total = int(counts.sum())
    values = np.lib.format.open_memmap(folder / "values.npy", "w+", np.float32, (total, *shape))
    centres = signal * draw.standard_normal((CLASSES, *shape), dtype=np.float32)
    noise = draw.standard_normal((4 * int(counts.max()) if mean_frames else 1, *shape), dtype=np.float32)
    starts = np.concatenate([[0], counts.cumsum()])
    for row, (start, count) in enumerate(zip(starts, counts, strict=False)):
        own = centres[targets[row]] + draw.standard_normal(shape, dtype=np.float32)
        shift = int(draw.integers(len(noise) - count + 1)) if mean_frames else 0
        values[start : start + count] = own + (noise[shift : shift + count] if mean_frames else 0.0)
    values.flush()
    np.savez(folder / "rest.npz", targets=targets, counts=counts)


def read_features(folder: Path) -> Features:
    """As they were written, mapped."""
    values = np.load(folder / "values.npy", mmap_mode="c")
    with np.load(folder / "rest.npz") as rest:
        targets, counts = (torch.from_numpy(rest[name]) for name in ("targets", "counts"))
    return Features(torch.from_numpy(values), targets, counts)


def parts(utterances: int, fold: int, shares: tuple[float, ...] = (0.8, 0.2)) -> list[Tensor]:
    """Positions of the parts of a fold, in random order."""
    order = torch.randperm(utterances, generator=torch.Generator().manual_seed(fold))
    borders = np.cumsum([0.0, *shares])
    edges = [round(border * utterances) for border in borders]
    return [order[first:last] for first, last in pairwise(edges)]
