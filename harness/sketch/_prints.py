"""Prints of sound that survive what is done to recordings: copies agree in them, two takes do not.

Every 16 ms the energies of 33 mel bands are taken over 128 ms; 32 bits say whether the difference of two
neighbouring bands grew or fell since 128 ms before. Level cancels, and so does every filter that is smooth and
stays the same. The bands lie within the telephone's, so that a copy at 8 kHz keeps them all. Nothing is
resampled: frames are laid out in seconds at the file's own rate.

Source: Haitsma and Kalker 2002, A highly robust audio fingerprinting system, ISMIR, section 4.2 (bits from
differences of bands and frames). Longer lag, shorter window and mel bands are ours: chosen on EmoDB.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Wave = NDArray[np.float32]

VERSION = 1
"""Raised when the same sound gives another print or another level: sketches kept from before are not used."""

HOP_S = 0.016
WINDOW_S = 0.128
LAG_FRAMES = 8
BITS = 32
LOWEST_HZ, HIGHEST_HZ = 250.0, 3400.0
WEAK_BITS = 3
"""How many bits of a frame are marked as those that a disturbance turns first."""

BELOW_LOUDEST_DB = 40.0
NO_SOUND_DBFS = -80.0
"""A frame below either is noise of the room or of rounding; its bits say nothing."""

STEADY_DB = 0.5
"""Where bands change less than this on average, the sound stands still (a tone) and its bits are rounding."""

BLOCK_FRAMES = 64
SMALLEST_POWER = 1e-20


class Prints(NamedTuple):
    """Prints of many utterances, one after the other."""

    codes: NDArray[np.uint32]
    """(frames,) 32 bits each."""
    weak: NDArray[np.uint32]
    """(frames,) the bits of each code that are nearest to turning; 0 marks a frame that says nothing."""
    offsets: NDArray[np.int64]
    """(utterances + 1,) utterance i owns frames offsets[i]:offsets[i + 1]."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: NDArray[np.int64]) -> Prints:
        """The utterances at these positions, in this order."""
        import numpy as np

        pieces = [slice(self.offsets[row], self.offsets[row + 1]) for row in rows]
        none = [np.zeros(0, np.uint32)]
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        return Prints(
            np.concatenate([*none, *(self.codes[piece] for piece in pieces)]),
            np.concatenate([*none, *(self.weak[piece] for piece in pieces)]),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        )


def print_of(wave: Wave, sample_rate_hz: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Codes and weak bits of a mono wave, (frames,) each; none where it is shorter than 0.272 s."""
    import numpy as np

    energies = _band_energies(wave, sample_rate_hz)
    if len(energies) <= LAG_FRAMES:
        return np.zeros(0, np.uint32), np.zeros(0, np.uint32)
    tilt = np.diff(10 * np.log10(energies), axis=1)
    change = tilt[LAG_FRAMES:] - tilt[:-LAG_FRAMES]
    size = np.abs(change)
    limit = np.partition(size, WEAK_BITS - 1, axis=1)[:, WEAK_BITS - 1 : WEAK_BITS]
    speaks = _loud(energies) & (size.mean(axis=1) > STEADY_DB)
    return _packed(change > 0), np.where(speaks, _packed(size <= limit), np.uint32(0))


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint32]:
    import numpy as np

    return np.ascontiguousarray(np.packbits(bits, axis=1)).view("<u4")[:, 0].astype(np.uint32)


def _loud(energies: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Frames whose bits compare two moments that both hold sound."""
    power = energies.sum(axis=1)
    least = max(power.max() * 10 ** (-BELOW_LOUDEST_DB / 10), 10 ** (NO_SOUND_DBFS / 10))
    loud: NDArray[np.bool_] = power > least
    both: NDArray[np.bool_] = loud[LAG_FRAMES:] & loud[:-LAG_FRAMES]
    return both


def _band_energies(wave: Wave, sample_rate_hz: int) -> NDArray[np.float64]:
    """(frames, bands) mean power in each band."""
    import numpy as np

    layout = _layout(sample_rate_hz)
    length = len(layout.window)
    last = (len(wave) - length) / (HOP_S * sample_rate_hz)
    if last < 0:
        return np.zeros((0, BITS + 1))
    starts = np.rint(np.arange(int(last) + 1) * HOP_S * sample_rate_hz).astype(np.int64)
    starts = np.minimum(starts, len(wave) - length)
    frames = np.lib.stride_tricks.sliding_window_view(wave, length)
    blocks = [starts[first : first + BLOCK_FRAMES] for first in range(0, len(starts), BLOCK_FRAMES)]
    return np.concatenate([_block_energies(frames[block], layout) for block in blocks])


class _Layout(NamedTuple):
    """How a frame becomes bands at one sample rate."""

    window: NDArray[np.float32]
    """Its sum of squares times its length is one over two: a spectrum's sum is the mean power."""
    bins: int
    edge: NDArray[np.int64]
    """(bands + 1,) the bin in which each border lies."""
    share: NDArray[np.float64]
    """(bands + 1,) how much of that bin lies below the border."""


@cache
def _layout(sample_rate_hz: int) -> _Layout:
    import numpy as np
    from scipy.fft import next_fast_len
    from scipy.signal import get_window

    length = next_fast_len(max(2, round(WINDOW_S * sample_rate_hz)), real=True)
    window = get_window("hann", length)
    window *= np.sqrt(2 / (length * np.sum(window**2)))
    low, high = (np.log1p(hz / 700) for hz in (LOWEST_HZ, HIGHEST_HZ))
    borders_hz = 700 * np.expm1(np.linspace(low, high, BITS + 2))
    place = np.minimum(borders_hz * length / sample_rate_hz + 0.5, length // 2)
    edge = np.floor(place).astype(np.int64)
    return _Layout(window.astype(np.float32), int(edge[-1]) + 1, edge, place - edge)


def _block_energies(frames: NDArray[np.float32], layout: _Layout) -> NDArray[np.float64]:
    import numpy as np
    from scipy.fft import rfft

    spectrum = rfft(frames * layout.window, axis=1)[:, : layout.bins]
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    below = np.zeros((len(power), layout.bins + 1))
    np.cumsum(power, axis=1, out=below[:, 1:], dtype=np.float64)
    inside, beyond = (below.take(layout.edge + step, axis=1) for step in (0, 1))
    at_border = inside * (1 - layout.share) + beyond * layout.share
    bands: NDArray[np.float64] = np.maximum(np.diff(at_border, axis=1), SMALLEST_POWER)
    return bands
