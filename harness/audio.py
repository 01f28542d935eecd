"""Sound files: what is in them, whether it can be used, and the wave that an upstream reads.

Everything is read with soundfile (libsndfile). A file is opened with mistrust: libsndfile reads a truncated
WAV file without complaint, so its own log of the header is compared with what is there.
"""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import AudioError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Wave = NDArray[np.float32]

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".sph", ".au"})
"""What counts as a sound file when a folder is searched (lower case)."""

INTEGER_16_BIT = frozenset({"PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW"})
"""libsndfile's names of the encodings that 16-bit samples hold without loss."""

STREAMED_BYTES = 0x7FFFFFFF
"""From this size on, a WAV header says `unknown, read to the end`, as pipes write it (ffmpeg, sox)."""

_DATA_CHUNK = re.compile(r"^data : (\d+)(?: \(should be (\d+)\))?", re.MULTILINE)
_FILE_LENGTH = re.compile(r"^Length : (\d+)", re.MULTILINE)


class MissingAudioError(AudioError):
    """There is no such file."""


class EmptyAudioError(AudioError):
    """The file, or the part of it that is asked for, holds no sample."""


class NotFiniteAudioError(AudioError):
    """The samples hold NaN or infinity."""


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
    """Decode the whole file and say what is in it.

    Raises:
        MissingAudioError: no such file.
        EmptyAudioError: zero bytes, or a header without samples.
        NotFiniteAudioError: NaN or infinity among the samples.
        AudioError: not readable as sound, truncated, or a header that does not fit the file.
    """
    with _opened(path) as file:
        samples = _read(path, file, 0, file.frames)
        rate_hz, channels = int(file.samplerate), int(file.channels)
    _refuse_not_finite(path, samples)
    return AudioInfo(
        duration_s=len(samples) / rate_hz,
        sample_rate_hz=rate_hz,
        channels=channels,
        samples=len(samples),
        pcm_sha256=_fingerprint(samples),
        silent=not samples.any(),
    )


def load_wave(
    path: Path, sample_rate_hz: int, start_s: float | None = None, end_s: float | None = None
) -> Wave:
    """The mono wave of a file or of a part of it: mean of the channels, resampled only where needed (soxr HQ).

    Args:
        path: any file that libsndfile reads.
        sample_rate_hz: rate of the result.
        start_s: where the part begins in the file, None for its beginning.
        end_s: where it ends, None for the end of the file.

    Returns:
        (samples,) float32; integer encodings are scaled to [-1, 1).

    Raises:
        AudioError: as `inspect`, and where the part does not lie inside the file.
    """
    with _opened(path) as file:
        first, last = _part(path, file, start_s, end_s)
        samples = _read(path, file, first, last - first)
        rate_hz = int(file.samplerate)
    _refuse_not_finite(path, samples)
    return _resampled(path, _mono(path, _to_float(samples)), rate_hz, sample_rate_hz)


def _opened(path: Path) -> Any:  # noqa: ANN401 - soundfile has no types
    """An open `soundfile.SoundFile` whose header fits the file."""
    import soundfile

    _refuse_missing_or_empty(path)
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError) as fault:
        raise _unreadable(path, fault) from fault
    try:
        _refuse_false_header(path, file.extra_info)
        if file.frames == 0:
            raise EmptyAudioError(
                "the sound file holds no samples", got=path, wanted="at least one sample", next_step=_NEXT
            )
    except AudioError:
        file.close()
        raise
    return file


_NEXT = "fetch the file again from the owners of the corpus"


def _unreadable(path: Path, fault: Exception) -> AudioError:
    return AudioError(
        "the sound file cannot be read",
        got=f"{path}: {fault}",
        wanted="a file that libsndfile decodes (WAV, FLAC, OGG, MP3 ...)",
        next_step=_NEXT,
    )


def _refuse_missing_or_empty(path: Path) -> None:
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError) as fault:
        raise MissingAudioError(
            "there is no such sound file", got=path, wanted="a sound file", next_step="check corpus.root"
        ) from fault
    except OSError as fault:
        raise _unreadable(path, fault) from fault
    if size == 0:
        raise EmptyAudioError(
            "the sound file is empty", got=f"{path}: 0 bytes", wanted="sound", next_step=_NEXT
        )


def _refuse_false_header(path: Path, header_log: str) -> None:
    """Compare the length that the header gives with the length of the file, by libsndfile's own log."""
    data = _DATA_CHUNK.search(header_log)
    if data is None:
        return
    declared, there = int(data[1]), int(data[2] or data[1])
    length = _FILE_LENGTH.search(header_log)
    if there < declared < STREAMED_BYTES:
        raise AudioError(
            "the sound file is truncated",
            got=f"{path}: {there} bytes of samples",
            wanted=f"{declared} bytes, as its header says",
            next_step=_NEXT,
        )
    # A tail of foreign bytes is common and harmless; one that outweighs the sound is sound the header hides.
    if "Exiting parser" in header_log and length and 2 * there < int(length[1]):
        raise AudioError(
            "the header of the sound file does not fit its length",
            got=f"{path}: {there} bytes of samples by the header, {length[1]} bytes in the file",
            wanted="a header that covers the file",
            next_step=_NEXT,
        )


def _read(path: Path, file: Any, first: int, count: int) -> NDArray[Any]:  # noqa: ANN401
    """(samples, channels) int16 or float32, exactly `count` of them."""
    import soundfile

    kind = "int16" if file.subtype in INTEGER_16_BIT else "float32"
    try:
        if first:
            file.seek(first)
        samples: NDArray[Any] = file.read(count, dtype=kind, always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as fault:
        raise _unreadable(path, fault) from fault
    if len(samples) != count:
        raise AudioError(
            "the sound file is truncated",
            got=f"{path}: {len(samples)} samples",
            wanted=f"{count} samples, as its header says",
            next_step=_NEXT,
        )
    return samples


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


def _refuse_not_finite(path: Path, samples: NDArray[Any]) -> None:
    import numpy as np

    if samples.dtype.kind != "f":
        return
    bad = int(np.count_nonzero(~np.isfinite(samples)))
    if bad:
        raise NotFiniteAudioError(
            "the sound file holds NaN or infinity",
            got=f"{path}: {bad} of {samples.size} samples",
            wanted="finite samples",
            next_step=_NEXT,
        )


def _fingerprint(samples: NDArray[Any]) -> str:
    little_endian = samples.astype(samples.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(little_endian.tobytes()).hexdigest()


def _to_float(samples: NDArray[Any]) -> Wave:
    import numpy as np

    if samples.dtype.kind == "f":
        return samples
    return samples.astype(np.float32) / np.float32(32768)


def _mono(path: Path, samples: Wave) -> Wave:
    import numpy as np

    if samples.shape[1] == 1:
        return np.ascontiguousarray(samples[:, 0])
    log.debug("%s: took the mean of %d channels", path, samples.shape[1])
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
