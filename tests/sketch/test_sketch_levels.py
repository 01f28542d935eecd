"""Level, silence, duration and the name of the samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.manifest import Manifest
from harness.sketch import sketch_manifest
from harness.sketch._level import measure_level

RATE_HZ = 16_000
ManifestOf = Callable[..., Manifest]


def tone(seconds: float, peak: float = 0.5, rate_hz: int = RATE_HZ) -> np.ndarray:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (peak * np.sin(2 * np.pi * 440 * times)).astype(np.float32)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return draw.integers(-9999, 9999, round(seconds * RATE_HZ), dtype=np.int16)


def test_a_full_scale_sine_has_minus_3_db() -> None:
    """RMS re full scale, so a sine of peak 1 has 20 log10(1 / sqrt 2); the peak falls between two samples."""
    level = measure_level(tone(1, peak=1.0), RATE_HZ)
    assert level.level_dbfs == pytest.approx(-3.0103, abs=1e-3)
    assert level.peak_dbfs == pytest.approx(0, abs=0.05)
    assert level.silence_share == 0
    assert level.duration_s == 1


def test_digital_silence_has_the_floor() -> None:
    """Nothing is minus infinity."""
    level = measure_level(np.zeros(100, np.float32), RATE_HZ)
    assert (level.level_dbfs, level.peak_dbfs, level.silence_share) == (-120, -120, 1)


def test_silence_is_counted_in_frames() -> None:
    """One second of tone between one and two seconds of hiss 46 dB below it: three quarters are silence."""
    hiss = 0.002 * np.random.default_rng(0).standard_normal(3 * RATE_HZ).astype(np.float32)
    wave = np.concatenate([hiss[:RATE_HZ], tone(1), hiss[RATE_HZ:]])
    assert measure_level(wave, RATE_HZ).silence_share == pytest.approx(0.75, abs=0.01)


def test_silence_does_not_depend_on_the_volume() -> None:
    """Level and silence are two things."""
    wave = np.concatenate([tone(1), np.zeros(RATE_HZ, np.float32)])
    assert measure_level(wave / 100, RATE_HZ).silence_share == measure_level(wave, RATE_HZ).silence_share


def test_a_wave_without_a_loud_frame_is_silent() -> None:
    """Hiss at -70 dBFS."""
    hiss = 10 ** (-70 / 20) * np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32)
    assert measure_level(hiss, RATE_HZ).silence_share == 1


@given(st.integers(1, 700), st.sampled_from([8000, 16_000, 44_100]))
@settings(max_examples=50)
def test_short_waves_are_measured(samples: int, rate_hz: int) -> None:
    """Down to one sample, below one frame."""
    level = measure_level(np.full(samples, 0.5, np.float32), rate_hz)
    assert level.level_dbfs == pytest.approx(-6.0206, abs=1e-3)
    assert level.silence_share == 0


def test_equal_samples_have_equal_names_whatever_holds_them(manifest_of: ManifestOf) -> None:
    """16-bit samples in WAV, FLAC, 24-bit and float files; the name is that of the manifest's content."""
    wave = noise(0.5)
    exact = wave.astype(np.float32) / 32768
    manifest = manifest_of({"a.wav": (wave, RATE_HZ), "b.flac": (wave, RATE_HZ)})
    deep = manifest_of({"c.wav": (exact, RATE_HZ)}, subtype="PCM_24")
    floats = manifest_of({"d.wav": (exact, RATE_HZ)}, subtype="FLOAT")
    other = manifest_of({"e.wav": (noise(0.5, seed=1), RATE_HZ)})
    names = [
        name
        for one in (manifest, deep, floats, other)
        for name in sketch_manifest(one).table["pcm_sha256"].tolist()
    ]
    assert names[0] == manifest.table["content"].iloc[0]
    assert len(set(names[:4])) == 1
    assert names[4] != names[0]


def test_a_part_has_the_name_of_its_own_samples(manifest_of: ManifestOf) -> None:
    """As a file that holds nothing else."""
    wave = noise(3)
    whole = manifest_of({"whole.wav": (wave, RATE_HZ)}, parts=[(0.5, 1.25), (1.25, 3.0)])
    own = manifest_of(
        {"one.wav": (wave[8000:20000], RATE_HZ), "two.flac": (wave[20000:], RATE_HZ)},
    )
    parts, files = sketch_manifest(whole), sketch_manifest(own)
    np.testing.assert_array_equal(parts.table.to_numpy(), files.table.to_numpy())
    np.testing.assert_array_equal(parts.prints.codes, files.prints.codes)
    assert parts.table["duration_s"].tolist() == [0.75, 1.75]


def test_channels_are_heard_as_one(manifest_of: ManifestOf) -> None:
    """The same in both channels is the same as one channel."""
    wave = noise(0.5)
    manifest = manifest_of({"a.wav": (wave, RATE_HZ), "b.wav": (np.stack([wave, wave], axis=1), RATE_HZ)})
    table = sketch_manifest(manifest).table
    assert table["pcm_sha256"].nunique() == 1
    assert table["level_dbfs"].nunique() == 1
