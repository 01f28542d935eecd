"""Copies of a recording are found after what is done to recordings; other takes are not copies."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from harness import registry
from harness.audio import load_wave
from harness.corpora import load_corpus
from harness.manifest import Manifest
from harness.sketch import Pair, Prints, Sketches, near_duplicates, sketch_manifest
from harness.sketch._level import measure_level
from harness.sketch._prints import print_of
from harness.sketch._sketches import COLUMNS, sketch_table

Wave = np.ndarray
Heard = tuple[Wave, int]
Change = Callable[[Wave, int], Heard]


def sketches_of(waves: dict[str, Heard]) -> Sketches:
    """Without files."""
    levels = [measure_level(wave, rate_hz) for wave, rate_hz in waves.values()]
    prints = [print_of(wave, rate_hz) for wave, rate_hz in waves.values()]
    table = sketch_table(list(waves), {name: [getattr(level, name) for level in levels] for name in COLUMNS})
    offsets = np.cumsum([0, *(len(codes) for codes, _ in prints)])
    codes, weak = (np.concatenate(column) for column in zip(*prints, strict=True))
    return Sketches(table, Prints(codes, weak, offsets))


def coded(wave: Wave, rate_hz: int, kind: str, subtype: str, rate: float | None = None) -> Heard:
    """Through a codec and back."""
    memory = io.BytesIO()
    soundfile.write(memory, wave, rate_hz, format=kind, subtype=subtype, compression_level=rate)
    memory.seek(0)
    back, back_hz = soundfile.read(memory, dtype="float32")
    return back, back_hz


def resampled(to_hz: int) -> Change:
    return lambda wave, rate_hz: (soxr.resample(wave, rate_hz, to_hz), to_hz)


def trimmed(start_s: float, end_s: float) -> Change:
    return lambda wave, rate_hz: (
        wave[round(start_s * rate_hz) : len(wave) - round(end_s * rate_hz)],
        rate_hz,
    )


def padded(start_s: float, end_s: float) -> Change:
    return lambda wave, rate_hz: (
        np.pad(wave, (round(start_s * rate_hz), round(end_s * rate_hz))),
        rate_hz,
    )


def louder(gain_db: float) -> Change:
    """In 16 bits, clipped where it overflows."""
    return lambda wave, rate_hz: (
        (np.rint(wave * 32768 * 10 ** (gain_db / 20)).clip(-32768, 32767) / 32768).astype(np.float32),
        rate_hz,
    )


def noisy(wave: Wave, rate_hz: int) -> Heard:
    """White noise 30 dB below the speech."""
    noise = np.random.default_rng(len(wave)).standard_normal(len(wave)).astype(np.float32)
    return wave + noise * np.float32(np.sqrt(np.mean(wave**2)) * 10 ** (-30 / 20)), rate_hz


def telephone(wave: Wave, rate_hz: int) -> Heard:
    return coded(*resampled(8000)(wave, rate_hz), "WAV", "ULAW")


def opus(wave: Wave, rate_hz: int) -> Heard:
    return coded(*resampled(16_000)(wave, rate_hz), "OGG", "OPUS", 0.9)


def chain(*changes: Change) -> Change:
    def changed(wave: Wave, rate_hz: int) -> Heard:
        for change in changes:
            wave, rate_hz = change(wave, rate_hz)
        return wave, rate_hz

    return changed


CHANGES: dict[str, Change] = {
    "20 dB down": louder(-20),
    "6 dB up and clipped": louder(6),
    "8 kHz": resampled(8000),
    "16 kHz": resampled(16_000),
    "44.1 kHz": resampled(44_100),
    "mp3": lambda wave, rate_hz: coded(wave, rate_hz, "MP3", "MPEG_LAYER_III", 0.99),
    "vorbis": lambda wave, rate_hz: coded(wave, rate_hz, "OGG", "VORBIS", 0.9),
    "opus": opus,
    "mu-law": telephone,
    "noise": noisy,
    "cut at both ends": trimmed(0.3, 0.3),
    "cut at the start by no whole frame": trimmed(0.173, 0),
    "padded": padded(0.1, 0.1),
    "cut, turned down, noise, telephone": chain(trimmed(0.213, 0.3), louder(-12), noisy, telephone),
}


@pytest.fixture(scope="module")
def emodb(shared: Path) -> Manifest:
    return load_corpus(registry.load("corpora", "emodb"), shared / "corpora" / "emodb")


@pytest.fixture(scope="module")
def urdu(shared: Path) -> Manifest:
    return load_corpus(registry.load("corpora", "urdu"), shared / "corpora" / "urdu")


@pytest.fixture(scope="module")
def voices(emodb: Manifest, urdu: Manifest) -> dict[str, Heard]:
    """Clips of both corpora, 1.2 s and longer."""
    return {
        row.id: (load_wave(manifest.root / row.path, row.sample_rate_hz), row.sample_rate_hz)
        for manifest, step in ((emodb, 25), (urdu, 23))
        for row in manifest.table.iloc[::step].itertuples()
        if row.duration_s > 1.2
    }


@pytest.mark.parametrize("name", CHANGES)
def test_copies_are_found(voices: dict[str, Heard], name: str) -> None:
    """Each with its own original, and with no other clip."""
    copies = {f"copy {key}": CHANGES[name](*heard) for key, heard in voices.items()}
    found = near_duplicates(sketches_of(voices | copies))
    assert {pair.ids for pair in found} == {(key, f"copy {key}") for key in voices}
    assert all(pair.similarity > 0.76 for pair in found)


def test_takes_are_no_copies(emodb: Manifest) -> None:
    """142,845 pairs of EmoDB, among them every take of a sentence by one speaker: none is a copy."""
    takes = Counter(emodb.table["speaker"] + emodb.table["sentence"])
    assert sum(count > 1 for count in takes.values()) > 90
    assert near_duplicates(sketch_manifest(emodb)) == []


def test_short_cuts_are_no_copies(emodb: Manifest) -> None:
    """2,218 pieces of 0.6 s, where chance has its best chance: 2.5 million pairs of other sound."""
    rate_hz, length = 16_000, 9600
    pieces = {}
    for row in emodb.table.itertuples():
        wave = load_wave(emodb.root / row.path, rate_hz)
        for first in range(0, len(wave) - length + 1, length):
            pieces[f"{row.id} {first}"] = (wave[first : first + length], rate_hz)
    assert len(pieces) > 2000
    assert near_duplicates(sketches_of(pieces)) == []


def test_synthetic_voices_are_no_copies() -> None:
    """240 clips of ten voices with equal sentences and equal vowels."""
    assert near_duplicates(sketch_manifest(load_corpus(registry.load("corpora", "synthetic")))) == []


def test_the_cuts_of_urdu_that_overlap(urdu: Manifest) -> None:
    """Ten pairs of cuts share a second or more of one show, two of them under two speakers' names.

    Laid side by side at the lag of their cross-correlation, their samples correlate by more than 0.95.
    """
    found = near_duplicates(sketch_manifest(urdu))
    assert len(found) == 10
    assert ("SF1_F4_H04", "SF4_F3_H019") in {pair.ids for pair in found}
    paths = dict(zip(urdu.table["id"], urdu.table["path"], strict=True))
    for pair in found:
        first, second = (load_wave(urdu.root / paths[name], 16_000) for name in pair.ids)
        lag = int(np.argmax(correlate(first, second, method="fft"))) - (len(second) - 1)
        first, second = first[max(0, lag) :], second[max(0, -lag) :]
        overlap = min(len(first), len(second))
        assert overlap > 0.9 * 16_000
        assert np.corrcoef(first[:overlap], second[:overlap])[0, 1] > 0.95


def test_equal_samples_are_exact_and_their_copies_near() -> None:
    """Two equal clips, and a third that is a copy of both; the order is the manifest's."""
    voice, rate_hz = speechlike(0), 16_000
    found = near_duplicates(
        sketches_of(
            {
                "z": (voice, rate_hz),
                "other": (speechlike(1), rate_hz),
                "copy": (voice * np.float32(0.3), rate_hz),
                "a": (voice.copy(), rate_hz),
            }
        )
    )
    assert [(pair.ids, pair.kind) for pair in found] == [
        (("z", "copy"), "near"),
        (("z", "a"), "exact"),
        (("copy", "a"), "near"),
    ]
    assert found[1].similarity == 1.0
    assert isinstance(found[0], Pair)


def speechlike(seed: int, seconds: float = 2.5) -> Wave:
    """Noise whose spectrum changes ten times a second."""
    draw = np.random.default_rng(seed)
    pieces = []
    for _ in range(round(seconds * 10)):
        spectrum = np.fft.rfft(draw.standard_normal(1600))
        peaks = draw.uniform(300, 3300, 3)
        hz = np.linspace(0, 8000, len(spectrum))
        shape = sum(np.exp(-(((hz - peak) / 150) ** 2)) for peak in peaks) + 0.01
        pieces.append(np.fft.irfft(spectrum * shape) * draw.uniform(0.2, 1))
    wave = np.concatenate(pieces)
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


@given(st.integers(0, 9), st.floats(0, 0.3), st.floats(0, 0.3), st.floats(-30, 0))
@settings(max_examples=25)
def test_any_trim_and_volume(seed: int, start_s: float, end_s: float, gain_db: float) -> None:
    """Between the frames as well as on them."""
    waves = {f"voice {k}": (speechlike(k), 16_000) for k in range(10)}
    copy = chain(trimmed(start_s, end_s), louder(gain_db))(*waves[f"voice {seed}"])
    found = near_duplicates(sketches_of({**waves, "copy": copy}))
    assert [pair.ids for pair in found] == [(f"voice {seed}", "copy")]


def test_a_clip_within_another_is_found() -> None:
    """A second of a longer clip; a clip of 6.9 s that begins with its last 0.9 s is no copy."""
    long, other = speechlike(0, 6), speechlike(1, 6)
    edge = np.concatenate([long[-14_400:], other])
    found = near_duplicates(
        sketches_of({"long": (long, 16_000), "cut": (long[40_000:56_000], 16_000), "edge": (edge, 16_000)})
    )
    assert [pair.ids for pair in found] == [("long", "cut")]


def seconds(count: float) -> Wave:
    return np.arange(round(16_000 * count)) / 16_000


def _16_bits(wave: Wave) -> Wave:
    return (np.rint(wave * 32767) / 32768).astype(np.float32)


DRAW = np.random.default_rng(0)
SOUNDLESS: dict[str, list[Wave]] = {
    "digital silence": [np.zeros(16_000, np.float32)] * 5,
    "rounding": [DRAW.integers(-1, 2, 32_000).astype(np.float32) / 32768 for _ in range(5)],
    "constant": [np.full(16_000 + k, 0.5, np.float32) for k in range(5)],
    "clips of 64 ms": [_16_bits(0.1 * DRAW.standard_normal(1024)) for _ in range(5)],
    "one sample": [np.array([0.1 * k], np.float32) for k in range(1, 6)],
    "tones": [_16_bits(0.5 * np.sin(2 * np.pi * 440 * seconds(1 + k / 2))) for k in range(5)],
    "low tones": [_16_bits(0.5 * np.sin(2 * np.pi * 200 * seconds(1 + k / 2) + k)) for k in range(5)],
    "chords": [
        _16_bits(0.2 * sum(np.sin(2 * np.pi * hz * seconds(1 + k / 2)) for hz in (300, 377, 900)))
        for k in range(5)
    ],
    "buzz": [_16_bits(0.2 * np.sign(np.sin(2 * np.pi * 120 * seconds(1 + k / 2) + k))) for k in range(5)],
    "beeps": [
        _16_bits(0.3 * np.sin(2 * np.pi * (500 + k) * seconds(3)) * (np.abs(seconds(3) - 1.5) < 0.5))
        for k in range(5)
    ],
    "clicks": [np.eye(1, 16_000 + 100 * k, 8000, dtype=np.float32)[0] for k in range(5)],
    "noise": [_16_bits(0.1 * DRAW.standard_normal(32_000)) for _ in range(5)],
}


@pytest.mark.parametrize("name", SOUNDLESS)
def test_what_has_no_speech_has_no_copies(name: str) -> None:
    """Silence, tones and the shortest clips do not all match each other."""
    assert near_duplicates(sketches_of({f"{k}": (w, 16_000) for k, w in enumerate(SOUNDLESS[name])})) == []


def test_no_utterances() -> None:
    """Nothing to compare."""
    empty = np.zeros(0, np.uint32)
    table = sketch_table([], {name: [] for name in COLUMNS})
    assert near_duplicates(Sketches(table, Prints(empty, empty, np.zeros(1, np.int64)))) == []
