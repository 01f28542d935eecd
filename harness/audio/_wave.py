"""The mono wave that an upstream reads: a file or a part of it, mixed and resampled."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.audio._errors import EmptyAudioError
from harness.audio._file import opened, read, refuse_not_finite
from harness.errors import AudioError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Wave = NDArray[np.float32]

log = logging.getLogger(__name__)

CENTRE_OF_5_1 = 2
"""Front left, front right, centre, low frequencies, two at the back: where films and series put the voice."""

MIXING = "mean; the centre of 5.1"
"""How channels become one, in words that name stored features."""


def load_wave(
    path: Path, sample_rate_hz: int, start_s: float | None = None, end_s: float | None = None
) -> Wave:
    """The mono wave of a file or of a part of it, resampled only where needed (soxr HQ).

    One of six channels is taken for the voice (the centre of 5.1); of any other number the mean is.

    Args:
        path: any file that libsndfile or ffmpeg reads.
        sample_rate_hz: rate of the result.
        start_s: where the part begins in the file, None for its beginning.
        end_s: where it ends, None for the end of the file.

    Returns:
        (samples,) float32; integer encodings are scaled to [-1, 1).

    Raises:
        AudioError: as `inspect`, and where the part does not lie inside the file.
    """
    with opened(path) as file:
        first, last = _part(path, file, start_s, end_s)
        if first:
            file.seek(first)
        samples = read(path, file, last - first)
        rate_hz = int(file.samplerate)
    refuse_not_finite(path, samples)
    return _resampled(path, _mono(path, _to_float(samples)), rate_hz, sample_rate_hz)


def _part(path: Path, file: Any, start_s: float | None, end_s: float | None) -> tuple[int, int]:  # noqa: ANN401
    """First sample and the one after the last; half a sample of rounding is forgiven at the end."""
    first = 0 if start_s is None else round(start_s * file.samplerate)
    last = file.frames if end_s is None else round(end_s * file.samplerate)
    if not 0 <= first <= last <= file.frames:
        raise AudioError(
            "the part of the sound file that is asked for does not lie inside it",
            got=f"{path}: {start_s} s to {end_s} s",
            wanted=f"within 0 s to {file.frames / file.samplerate:.4f} s",
            next_step="check the times of the corpus's annotation against the file",
        )
    if first == last:
        raise EmptyAudioError(
            "the part of the sound file that is asked for holds no samples",
            got=f"{path}: {start_s} s to {end_s} s",
            wanted="at least one sample",
            next_step="check the times of the corpus's annotation",
        )
    return first, last


def _to_float(samples: NDArray[Any]) -> Wave:
    import numpy as np

    if samples.dtype.kind == "f":
        return samples
    return samples.astype(np.float32) / np.float32(32768)


def _mono(path: Path, samples: Wave) -> Wave:
    import numpy as np

    channels = samples.shape[1]
    if channels in (1, 6):
        return np.ascontiguousarray(samples[:, 0 if channels == 1 else CENTRE_OF_5_1])
    log.debug("%s: took the mean of %d channels", path, channels)
    mean: Wave = samples.mean(axis=1, dtype=np.float64).astype(np.float32)
    return mean


def _resampled(path: Path, wave: Wave, from_hz: int, to_hz: int) -> Wave:
    if from_hz == to_hz:
        return wave
    import soxr

    log.debug("%s: resampled from %d Hz to %d Hz", path, from_hz, to_hz)
    resampled: Wave = soxr.resample(wave, from_hz, to_hz, quality="HQ")
    if len(resampled) == 0:
        raise EmptyAudioError(
            "the sound file is too short to be resampled",
            got=f"{path}: {len(wave)} samples at {from_hz} Hz",
            wanted=f"at least one sample at {to_hz} Hz",
            next_step="leave this utterance out",
        )
    return resampled
