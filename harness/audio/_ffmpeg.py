"""Sound in containers that libsndfile does not know (AAC in MP4, AVI, WebM): decoded by the program ffmpeg.

ffmpeg is taken from the search path, or from the package imageio-ffmpeg (`pip install emoharness[video]`). The
first sound track is decoded at its own rate and with its own channels; nothing is mixed or resampled here.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

from harness.audio._errors import MissingDecoderError
from harness.errors import AudioError

SUFFIXES = frozenset({".mp4", ".m4a", ".m4v", ".mov", ".aac", ".avi", ".webm", ".mkv", ".wma"})
"""Endings (lower case) of what is given to ffmpeg."""

SECONDS_PER_FILE = 600
"""A file that takes longer than this has no end."""


def decoded(path: Path) -> io.BytesIO:
    """The first sound track as a WAV file in memory, 32-bit floats.

    Raises:
        MissingDecoderError: there is no ffmpeg.
        AudioError: the file cannot be decoded, or has no sound track.
    """
    words = [
        ffmpeg(path), "-nostdin", "-v", "error", "-i", str(path.resolve()), "-map", "0:a:0",
        "-f", "wav", "-c:a", "pcm_f32le", "-",
    ]  # fmt: skip
    try:
        done = subprocess.run(words, capture_output=True, check=True, timeout=SECONDS_PER_FILE)  # noqa: S603
    except subprocess.TimeoutExpired as fault:
        raise _unreadable(path, f"not decoded in {SECONDS_PER_FILE} s") from fault
    except subprocess.CalledProcessError as fault:
        said = fault.stderr.decode(errors="replace").strip().splitlines()
        raise _unreadable(path, said[-1] if said else f"ffmpeg left with {fault.returncode}") from fault
    return io.BytesIO(done.stdout)


def ffmpeg(path: Path) -> str:
    """The program, for decoding `path`.

    Raises:
        MissingDecoderError: it is neither on the search path nor installed as a package.
    """
    program = shutil.which("ffmpeg") or _packaged()
    if program is None:
        raise MissingDecoderError(
            f"{path.suffix} files need the program ffmpeg, and there is none",
            got=path,
            wanted="ffmpeg on the search path, or the package imageio-ffmpeg",
            next_step="pip install 'emoharness[video]', or install ffmpeg (apt-get, brew, conda) and try again",
        )
    return program


def _packaged() -> str | None:
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        return None
    try:
        return str(get_ffmpeg_exe())
    except RuntimeError:
        return None


def _unreadable(path: Path, why: str) -> AudioError:
    return AudioError(
        "the sound of the file cannot be decoded",
        got=f"{path}: {why}",
        wanted="a file whose first sound track ffmpeg decodes",
        next_step="fetch the file again from the owners of the corpus",
    )
