"""Two utterances laid side by side: how many bits agree, and whether that makes them one recording."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from harness.sketch._collide import Collisions, collisions
from harness.sketch._prints import BITS, Prints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_WRONG = 0.30
"""Highest share of unequal bits of a copy."""

FEWEST_FRAMES = 16
"""Fewer frames with sound on both sides say nothing."""

LEAST_COVERED = 0.5
"""The overlap holds this share of the sound of the utterance with less of it."""

FRAMES_AT_ONCE = 1 << 22


class Alignment(NamedTuple):
    """Two utterances at their best shift."""

    first: int
    second: int
    similarity: float


def alignments(prints: Prints) -> list[Alignment]:
    """Every pair of utterances that is one recording, by their positions, at the shift that fits best."""
    import numpy as np

    sound = _per_utterance(prints.weak != 0, prints.offsets)
    best: dict[tuple[int, int], float] = {}
    for part in _batches(prints, collisions(prints)):
        wrong, frames = _compared(prints, part)
        least = LEAST_COVERED * np.minimum(sound[part.first], sound[part.second])
        copies = (frames >= np.maximum(least, FEWEST_FRAMES)) & (wrong <= MOST_WRONG * BITS * frames)
        for row in np.flatnonzero(copies).tolist():
            pair = int(part.first[row]), int(part.second[row])
            best[pair] = max(best.get(pair, 0.0), 1 - float(wrong[row] / (BITS * frames[row])))
    return [Alignment(*pair, similarity) for pair, similarity in sorted(best.items())]


def _per_utterance(marks: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many frames of each utterance are marked; also of one that has no frames."""
    import numpy as np

    return np.diff(np.concatenate([[0], np.cumsum(marks)])[offsets])


class _Overlap(NamedTuple):
    """Frames of two utterances that lie side by side, as places in all prints."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    frames: NDArray[np.int64]


def _overlap(prints: Prints, found: Collisions) -> _Overlap:
    """Never empty: a collision is a place where both have a frame."""
    import numpy as np

    starts, lengths = prints.offsets[:-1], np.diff(prints.offsets)
    begin = np.maximum(0, -found.shift)
    end = np.minimum(lengths[found.first], lengths[found.second] - found.shift)
    return _Overlap(starts[found.first] + begin, starts[found.second] + begin + found.shift, end - begin)


def _batches(prints: Prints, found: Collisions) -> Iterator[Collisions]:
    """Pieces of the work that fit into memory."""
    import numpy as np

    batch = np.cumsum(_overlap(prints, found).frames) // FRAMES_AT_ONCE
    borders = [*np.flatnonzero(np.diff(batch, prepend=-1)).tolist(), len(batch)]
    for low, high in pairwise(borders):
        yield Collisions(*(column[low:high] for column in found))


def _compared(prints: Prints, found: Collisions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Unequal bits, and frames with sound on both sides, of each collision's overlap."""
    import numpy as np

    first, second, frames = _overlap(prints, found)
    starts = np.cumsum(frames) - frames
    step = np.arange(frames.sum()) - np.repeat(starts, frames)
    a, b = np.repeat(first, frames) + step, np.repeat(second, frames) + step
    both = (prints.weak[a] != 0) & (prints.weak[b] != 0)
    wrong = np.where(both, np.bitwise_count(prints.codes[a] ^ prints.codes[b]), 0)
    return np.add.reduceat(wrong, starts, dtype=np.int64), np.add.reduceat(both, starts, dtype=np.int64)
