"""An open sound file whose header fits what is in it, and blocks of its samples.

What libsndfile knows is read with soundfile, the rest is decoded by ffmpeg first. A file is opened with mistrust:
libsndfile reads a truncated WAV file without complaint, so its own log of the header is compared with the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.audio import _ffmpeg
from harness.audio._errors import EmptyAudioError, MissingAudioError, NotFiniteAudioError
from harness.errors import AudioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUFFIXES = _ffmpeg.SUFFIXES | {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".sph", ".au"}
"""What counts as a sound file when a folder is searched (lower case)."""

INTEGER_16_BIT = frozenset({"PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW"})
"""libsndfile's names of the encodings that 16-bit samples hold without loss."""

STREAMED_BYTES = 0x7FFFFFFF
"""From this size on, a WAV header says `unknown, read to the end`, as pipes write it (ffmpeg, sox)."""

BLOCK_FRAMES = 1 << 20
"""Samples per channel that are held at once when a whole file is measured: corpora come as hours in one file."""

LFS_POINTER = b"version https://git-lfs"
"""How the small text files begin that git leaves where a large file was not fetched."""

LFS_POINTER_BYTES = 1024
"""Pointers are smaller than this by the format's own rule."""

_DATA_CHUNK = re.compile(r"^data : (\d+)(?: \(should be (\d+)\))?", re.MULTILINE)
_FILE_LENGTH = re.compile(r"^Length : (\d+)", re.MULTILINE)


def opened(path: Path) -> Any:  # noqa: ANN401 - soundfile has no types
    """An open `soundfile.SoundFile` whose header fits the file.

    Raises:
        AudioError: missing, empty, truncated, not sound, or a pointer to a file that was not fetched.
        MissingDecoderError: only ffmpeg could read it, and there is none.
    """
    import soundfile

    _refuse_missing_or_empty(path)
    foreign = path.suffix.lower() in _ffmpeg.SUFFIXES
    try:
        file = soundfile.SoundFile(_ffmpeg.decoded(path) if foreign else path)
    except (soundfile.LibsndfileError, OSError) as fault:
        raise _unreadable(path, fault) from fault
    try:
        if not foreign:
            _refuse_false_header(path, file.extra_info)
        if file.frames == 0:
            raise EmptyAudioError(
                "the sound file holds no samples", got=path, wanted="at least one sample", next_step=_NEXT
            )
    except AudioError:
        file.close()
        raise
    return file


def blocks(path: Path, file: Any) -> Iterator[NDArray[Any]]:  # noqa: ANN401
    """All samples of an open file, (samples, channels) int16 or float32, block after block."""
    for first in range(0, file.frames, BLOCK_FRAMES):
        yield read(path, file, min(BLOCK_FRAMES, file.frames - first))


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
    if size < LFS_POINTER_BYTES and path.is_file() and path.read_bytes().startswith(LFS_POINTER):
        raise AudioError(
            "the file is a pointer of Git LFS, not sound",
            got=f"{path}: {size} bytes of text",
            wanted="the sound that it points to",
            next_step="git lfs install && git lfs pull   in the folder of the corpus",
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


def read(path: Path, file: Any, count: int) -> NDArray[Any]:  # noqa: ANN401
    """The next `count` samples of an open file, (samples, channels) int16 or float32.

    Raises:
        AudioError: they cannot be decoded, or there are fewer.
    """
    import soundfile

    kind = "int16" if file.subtype in INTEGER_16_BIT else "float32"
    try:
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


def refuse_not_finite(path: Path, samples: NDArray[Any]) -> None:
    """Raise `NotFiniteAudioError` where samples of a float encoding hold NaN or infinity."""
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
