"""SYNTHETIC clips whose lengths are distributed as IEMOCAP's and MELD's are (`durations.json`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE_HZ, WIDE_RATE_HZ = 16_000, 44_100
_FACTS = Path(__file__).with_name("durations.json")


class Clip(NamedTuple):
    """The same sound in two files."""

    id: str
    path: str
    """Mono, at the rate of the network."""
    wide_path: str
    """Stereo at 44.1 kHz: to be mixed and resampled."""
    duration_s: float


def durations_s(corpus: str, count: int) -> NDArray[np.float64]:
    """So many lengths, one from the middle of every equal share of the corpus, rising."""
    facts = json.loads(_FACTS.read_text(encoding="utf-8"))
    middles = (np.arange(count) + 0.5) / count
    lengths: NDArray[np.float64] = np.interp(
        middles, facts["shares"], facts["corpora"][corpus]["quantiles_s"]
    )
    return lengths


def file_order(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lengths as they come in a folder: in no order."""
    return np.random.default_rng(0).permutation(lengths)


def padding_share(lengths: Sequence[float], batch: int) -> float:
    """Of all samples, when neighbours are padded to the longest of each batch.

    >>> padding_share([1.0, 3.0, 2.0], 2)
    0.25
    """
    groups = [lengths[first : first + batch] for first in range(0, len(lengths), batch)]
    padded = sum(max(group) * len(group) for group in groups)
    return float(1 - sum(lengths) / padded)


def voice_like(samples: int, rate_hz: int, seed: int) -> NDArray[np.float32]:
    """(samples,) noise that swells and fades five times a second, pauses included."""
    draw = np.random.default_rng(seed)
    swell = np.abs(np.sin(np.arange(samples) * (5 * np.pi / rate_hz)))
    wave: NDArray[np.float32] = (0.1 * swell * draw.standard_normal(samples)).astype(np.float32)
    return wave


def write_clips(folder: Path, lengths: Sequence[float]) -> list[Clip]:
    """Files of these lengths, both kinds, and a list of them in this order."""
    import soundfile

    folder.mkdir(parents=True)
    clips = []
    for number, duration_s in enumerate(lengths):
        clip = Clip(
            f"u{number:03d}", str(folder / f"{number}.wav"), str(folder / f"{number}w.wav"), float(duration_s)
        )
        wave = voice_like(round(duration_s * RATE_HZ), RATE_HZ, number)
        wide = voice_like(2 * round(duration_s * WIDE_RATE_HZ), WIDE_RATE_HZ, number).reshape(-1, 2)
        soundfile.write(clip.path, wave, RATE_HZ)
        soundfile.write(clip.wide_path, wide, WIDE_RATE_HZ)
        clips.append(clip)
    (folder / "clips.json").write_text(json.dumps(clips), encoding="utf-8")
    return clips


def read_clips(folder: Path) -> list[Clip]:
    """As they were written."""
    return [Clip(*row) for row in json.loads((folder / "clips.json").read_text(encoding="utf-8"))]


def own_share(clips: Sequence[Clip], share: int, shares: int) -> list[Clip]:
    """What one of several processes does: the longest clips first, each to whom has least."""
    seconds, own = [0.0] * shares, []
    for clip in sorted(clips, key=lambda clip: -clip.duration_s):
        least = seconds.index(min(seconds))
        seconds[least] += clip.duration_s
        if least == share:
            own.append(clip)
    return [clip for clip in clips if clip in own]
