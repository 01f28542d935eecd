"""What is in a sound file, measured on its decoded samples."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.audio._file import blocks, opened, refuse_not_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray


class AudioInfo(NamedTuple):
    """What a file holds, measured on its decoded samples and not read off its header."""

    duration_s: float
    sample_rate_hz: int
    channels: int
    samples: int
    """Per channel."""
    pcm_sha256: str
    """Of the interleaved little-endian samples: 16-bit integers where the encoding is at most that deep (so
    that a WAV file and its FLAC copy agree), 32-bit floats otherwise."""
    silent: bool
    """Every sample is zero."""


def inspect(path: Path) -> AudioInfo:
    """Decode the whole file and say what is in it; a long file is never held in memory as a whole.

    Raises:
        MissingAudioError: no such file.
        EmptyAudioError: zero bytes, or a header without samples.
        NotFiniteAudioError: NaN or infinity among the samples.
        AudioError: not readable as sound, truncated, or a header that does not fit the file.
        MissingDecoderError: only ffmpeg could read it, and there is none.
    """
    digest, samples, silent = hashlib.sha256(), 0, True
    with opened(path) as file:
        rate_hz, channels = int(file.samplerate), int(file.channels)
        for block in blocks(path, file):
            refuse_not_finite(path, block)
            digest.update(_little_endian(block))
            samples += len(block)
            silent = silent and not block.any()
    return AudioInfo(
        duration_s=samples / rate_hz,
        sample_rate_hz=rate_hz,
        channels=channels,
        samples=samples,
        pcm_sha256=digest.hexdigest(),
        silent=silent,
    )


def _little_endian(samples: NDArray[Any]) -> bytes:
    return samples.astype(samples.dtype.newbyteorder("<"), copy=False).tobytes()
