"""Where two utterances have the same code: the places at which they are worth laying side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from harness.sketch._prints import WEAK_BITS, Prints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Places = NDArray[np.int64]

MOST_PER_CODE = 16
"""A code is compared with so many frames of its kind at most: one that all have says little about any."""


class Collisions(NamedTuple):
    """Pairs of utterances and how they are shifted: frame k of the first fell on frame k + shift of the second."""

    first: Places
    second: Places
    shift: Places


def collisions(prints: Prints) -> Collisions:
    """Every pair of different utterances with one code in common, weak bits turned or not.

    Codes of all frames that say something are sorted; each is looked up as it is, and with every combination
    of its weak bits turned.
    """
    import numpy as np

    owner = np.repeat(np.arange(len(prints)), np.diff(prints.offsets))
    place = np.arange(len(owner)) - prints.offsets[owner]
    frames = np.flatnonzero(prints.weak)
    frames = frames[np.argsort(prints.codes[frames], kind="stable")]
    found = [np.zeros(0, np.uint64)]
    for turned in _turned(prints.weak[frames]):
        ours, theirs = _equal_codes(prints.codes[frames], prints.codes[frames] ^ turned)
        ours, theirs = frames[ours], frames[theirs]
        other = owner[ours] != owner[theirs]
        found.append(_packed(owner, place, ours[other], theirs[other]))
    return _unpacked(np.unique(np.concatenate(found)))


def _turned(weak: NDArray[np.uint32]) -> Iterator[NDArray[np.uint32]]:
    """Every subset of each frame's weak bits, the empty one first."""
    import numpy as np

    bits, left = [], weak.copy()
    for _ in range(WEAK_BITS):
        lowest = left & (~left + np.uint32(1))
        bits.append(lowest)
        left ^= lowest
    for subset in range(1 << WEAK_BITS):
        yield sum((bit for k, bit in enumerate(bits) if subset >> k & 1), np.zeros_like(weak))


def _equal_codes(known: NDArray[np.uint32], wanted: NDArray[np.uint32]) -> tuple[Places, Places]:
    """Positions in `wanted` and in the sorted `known` whose codes are equal."""
    import numpy as np

    order = np.argsort(wanted)
    low = np.searchsorted(known, wanted[order], "left")
    counts = np.minimum(np.searchsorted(known, wanted[order], "right") - low, MOST_PER_CODE)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(order, counts), np.repeat(low, counts) + within


_SHIFT_BITS, _ROW_BITS = 24, 20


def _packed(owner: Places, place: Places, a: Places, b: Places) -> NDArray[np.uint64]:
    """One number per collision, the earlier utterance first."""
    import numpy as np

    swapped = owner[a] > owner[b]
    a, b = np.where(swapped, b, a), np.where(swapped, a, b)
    shift = place[b] - place[a] + (1 << (_SHIFT_BITS - 1))
    number = (owner[a] << (_ROW_BITS + _SHIFT_BITS)) | (owner[b] << _SHIFT_BITS) | shift
    return np.unique(number.astype(np.uint64))


def _unpacked(numbers: NDArray[np.uint64]) -> Collisions:
    import numpy as np

    number = numbers.astype(np.int64)
    row, shift = (1 << _ROW_BITS) - 1, (1 << _SHIFT_BITS) - 1
    return Collisions(
        number >> (_ROW_BITS + _SHIFT_BITS),
        (number >> _SHIFT_BITS) & row,
        (number & shift) - (1 << (_SHIFT_BITS - 1)),
    )
