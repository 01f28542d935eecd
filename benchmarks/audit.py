"""What listening to a corpus for its audit costs: reading, sketches, the search for copies, the diagnosis.

    python benchmarks/audit.py [iemocap|esd|ROWS,SECONDS] [folder]

SYNTHETIC noise-speech of a corpus's size: `iemocap` is 5,531 clips of 4.5 s on average, `esd` 35,000 of 3 s, both
16 kHz in 16 bits. The files are made in a temporary folder, decoded from there, and thrown away; the cache is a
fresh one. One clip in a hundred has a copy (turned down, cut, through a telephone), one in two hundred an exact
one, and the page says how many were found. Wall time depends on who else works on the machine, so CPU time is
given beside it; the disk's cache is warm.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import soxr

from harness.clock import peak_rss_mib
from harness.contracts import CorpusFacts, Utterance
from harness.corpora import load_corpus
from harness.doctor import diagnose
from harness.manifest import Manifest
from harness.sketch import near_duplicates, sketch_manifest
from harness.splits import cut_folds, leave_session_out
from harness.tasks import emotion

RATE_HZ, SYLLABLE = 16_000, 3200
SIZES = {"iemocap": (5531, 4.5), "esd": (35_000, 3.0)}
LABELS = ("anger", "happiness", "neutral", "sadness")
NEAR_EVERY, EXACT_EVERY = 100, 200


def noise_speech(seed: int, mean_s: float) -> np.ndarray:
    """(samples,) int16: noise through three drawn formants per fifth of a second, over room noise."""
    draw = np.random.default_rng(seed)
    count = max(3, round(draw.gamma(6, mean_s / 6) * RATE_HZ / SYLLABLE))
    spectrum = np.fft.rfft(draw.standard_normal((count, SYLLABLE), dtype=np.float32), axis=1)
    hz = np.fft.rfftfreq(SYLLABLE, 1 / RATE_HZ)
    formants_hz = draw.uniform((250, 800, 2000), (850, 2400, 3400), (count, 3))
    shape = np.exp(-np.abs(hz - formants_hz[..., None]) / 120).sum(axis=1) + 1e-3
    voice = np.fft.irfft(spectrum * shape, axis=1) * draw.uniform(0.1, 1, (count, 1))
    wave = (voice * np.hanning(SYLLABLE + 2)[1:-1]).ravel()
    wave = 0.2 * wave / np.abs(wave).max() + 3e-4 * draw.standard_normal(wave.size)
    return np.rint(32767 * wave).astype(np.int16)


def write(folder: Path, row: int, mean_s: float) -> None:
    """A clip; or a copy of the one before."""
    path = folder / f"u{row:06d}.wav"
    if row % EXACT_EVERY == EXACT_EVERY - 1:
        soundfile.write(path, noise_speech(row - 1, mean_s), RATE_HZ)
    elif row % NEAR_EVERY == NEAR_EVERY // 2:
        wave = noise_speech(row - 1, mean_s)[3000:-1500].astype(np.float32) / 32768
        soundfile.write(path, 0.2 * soxr.resample(wave, RATE_HZ, 8000), 8000, subtype="ULAW")
    else:
        soundfile.write(path, noise_speech(row, mean_s), RATE_HZ)


def write_chunk(folder: Path, rows: range, mean_s: float) -> None:
    """For one process."""
    for row in rows:
        write(folder, row, mean_s)


class Made:
    """The corpus of these files: ten speakers in five sessions."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.FACTS = CorpusFacts(
            name="made_up", title="SYNTHETIC noise-speech", languages=("zxx",), licence="none", access="made here",
            citation="none", labels={name: name for name in LABELS}, utterances=rows, speakers=10,
            sample_rate_hz=RATE_HZ, other_rates_hz=(8000,), synthetic=True,
        )  # fmt: skip

    def read(self, root: Path) -> Iterator[Utterance]:
        """All rows."""
        for row in range(self.rows):
            speaker = row * 10 // self.rows
            yield Utterance(
                id=f"u{row:06d}", path=f"u{row:06d}.wav", label_raw=LABELS[row % 4], speaker=f"s{speaker}",
                gender=("female", "male")[speaker % 2], session=f"{speaker // 2}", sentence=f"{row % 350}",
            )  # fmt: skip


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print what the block costs."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:44s} {wall:7.1f} s wall {cpu:7.1f} s CPU   peak {peak_rss_mib():6.0f} MiB", flush=True)


def listen(manifest: Manifest, rows: int) -> None:
    """The audio part of an audit, phase by phase."""
    with timed("sketches: decode, level, silence, prints"):
        sketches = sketch_manifest(manifest)
    with timed("sketches, kept from before"):
        sketch_manifest(manifest)
    with timed("exact and near copies"):
        pairs = near_duplicates(sketches)
    examples = emotion.examples(manifest.table, emotion.Config())
    folds = cut_folds(leave_session_out, examples.examples, leave_session_out.Config())
    with timed("diagnosis of five folds, copies included"):
        diagnose(manifest, examples.examples, folds, examples.classes, sketches)
    made = {
        "exact": rows // EXACT_EVERY,
        "near": len(range(NEAR_EVERY // 2, rows, NEAR_EVERY)),
    }
    for kind, count in made.items():
        found = [pair for pair in pairs if pair.kind == kind]
        true = sum(int(pair.ids[1][1:]) - int(pair.ids[0][1:]) == 1 for pair in found)
        print(f"{kind} copies: {count} made, {true} found, {len(found) - true} others found")


def main(rows: int, mean_s: float, root: Path) -> None:
    """Make the corpus, then print what listening to it costs."""
    folder = root / "audio"
    folder.mkdir()
    os.environ["EMOHARNESS_CACHE"] = str(root / "cache")
    chunks = [range(first, min(first + 200, rows)) for first in range(0, rows, 200)]
    with timed("(making the files, in processes)"), ProcessPoolExecutor() as pool:
        list(pool.map(write_chunk, [folder] * len(chunks), chunks, [mean_s] * len(chunks)))
    with timed("reading the corpus: decode, checksum, judge"):
        manifest = load_corpus(Made(rows), folder)
    hours = manifest.table["duration_s"].sum() / 3600
    print(f"SYNTHETIC noise-speech: {rows} clips, {hours:.1f} h, mean {3600 * hours / rows:.2f} s")
    listen(manifest, rows)


if __name__ == "__main__":
    size = sys.argv[1] if len(sys.argv) > 1 else "iemocap"
    count, mean = SIZES[size] if size in SIZES else (int(size.split(",")[0]), float(size.split(",")[1]))
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as temporary:
        main(count, mean, Path(temporary))
