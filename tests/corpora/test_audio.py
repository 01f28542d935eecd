"""Sound files are opened with mistrust: what is measured, what is refused, and what an upstream gets to hear."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.audio import (
    EmptyAudioError,
    MissingAudioError,
    NotFiniteAudioError,
    inspect,
    load_wave,
)
from harness.errors import AudioError

RATE = 16_000
NOISE = np.random.default_rng(3).integers(-20_000, 20_000, 8000, dtype=np.int16)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    soundfile.write(path, NOISE, RATE, subtype="PCM_16")
    return path


def rewritten(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_inspect_measures_the_decoded_samples(wav: Path) -> None:
    info = inspect(wav)
    assert info[:4] == (0.5, RATE, 1, 8000)
    assert info.pcm_sha256 == hashlib.sha256(NOISE.astype("<i2").tobytes()).hexdigest()
    assert not info.silent


def test_the_fingerprint_is_of_the_sound_and_not_of_the_container(wav: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", NOISE, RATE, subtype="PCM_16")
    assert inspect(tmp_path / "a.flac").pcm_sha256 == inspect(wav).pcm_sha256
    soundfile.write(tmp_path / "b.wav", NOISE ^ 1, RATE, subtype="PCM_16")
    assert inspect(tmp_path / "b.wav").pcm_sha256 != inspect(wav).pcm_sha256


def test_silence_is_seen(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "z.wav", np.zeros(100, np.int16), RATE)
    assert inspect(tmp_path / "z.wav").silent


@pytest.mark.parametrize("subtype", ["PCM_24", "PCM_32", "FLOAT", "PCM_U8", "ULAW"])
def test_other_encodings_are_measured_and_loaded(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "e.wav"
    soundfile.write(path, NOISE / 32768, RATE, subtype=subtype)
    assert inspect(path).samples == 8000
    wave = load_wave(path, RATE)
    # 8-bit steps are 1/128, mu-law's largest step is 1/32 at full scale; the others are finer than 1/32768.
    assert np.abs(wave - NOISE / 32768).max() < (1 / 32 if subtype in {"PCM_U8", "ULAW"} else 1 / 32768)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_wav_is_refused_though_libsndfile_reads_it(wav: Path, share: float) -> None:
    content = wav.read_bytes()
    rewritten(wav, content[: int(len(content) * share)])
    assert soundfile.info(wav).frames > 0
    with pytest.raises(AudioError, match="truncated"):
        inspect(wav)
    with pytest.raises(AudioError, match="truncated"):
        load_wave(wav, RATE)


def test_a_truncated_flac_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "t.flac", NOISE, RATE)
    content = (tmp_path / "t.flac").read_bytes()
    rewritten(tmp_path / "t.flac", content[: len(content) // 2])
    with pytest.raises(AudioError, match=r"truncated|cannot be read"):
        inspect(tmp_path / "t.flac")


def test_a_truncated_mp3_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "t.mp3", NOISE / 32768, RATE)
    content = (tmp_path / "t.mp3").read_bytes()
    rewritten(tmp_path / "t.mp3", content[: len(content) // 2])
    with pytest.raises(AudioError, match=r"truncated|cannot be read"):
        inspect(tmp_path / "t.mp3")


def test_a_header_that_hides_most_of_the_file_is_refused(wav: Path) -> None:
    content = wav.read_bytes()
    rewritten(wav, content[:40] + (1000).to_bytes(4, "little") + content[44:])
    assert soundfile.info(wav).frames == 500
    with pytest.raises(AudioError, match="header"):
        inspect(wav)


def test_a_streamed_header_of_unknown_length_is_read_to_the_end(wav: Path) -> None:
    content = wav.read_bytes()
    rewritten(wav, content[:40] + b"\xff\xff\xff\xff" + content[44:])
    assert inspect(wav).samples == 8000


def test_a_few_foreign_bytes_behind_the_sound_do_no_harm(wav: Path) -> None:
    rewritten(wav, wav.read_bytes() + b"\x07" * 99)
    assert inspect(wav).samples == 8000


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", EmptyAudioError), (b"not sound at all" * 9, AudioError), (b"RIFF\x24\0\0\0WAVE", AudioError)],
)
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes, kind: type[AudioError]) -> None:
    path = rewritten(tmp_path / "x.wav", content)
    with pytest.raises(kind) as fault:
        inspect(path)
    assert str(path) in str(fault.value.got)
    assert fault.value.wanted
    assert fault.value.next_step


def test_a_header_without_samples_is_empty(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "n.wav", np.zeros(0, np.int16), RATE)
    for refuse in (inspect, lambda path: load_wave(path, RATE)):
        with pytest.raises(EmptyAudioError):
            refuse(tmp_path / "n.wav")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingAudioError):
        inspect(tmp_path / "absent.wav")
    with pytest.raises(AudioError):
        inspect(tmp_path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, bad: float) -> None:
    samples = np.zeros(400, np.float32)
    samples[7] = bad
    soundfile.write(tmp_path / "f.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(NotFiniteAudioError, match="1 of 400"):
        inspect(tmp_path / "f.wav")
    with pytest.raises(NotFiniteAudioError):
        load_wave(tmp_path / "f.wav", RATE)


def test_errors_come_back_whole_from_a_worker_process(tmp_path: Path) -> None:
    with pytest.raises(MissingAudioError) as fault:
        inspect(tmp_path / "absent.wav")
    again = pickle.loads(pickle.dumps(fault.value))
    assert (type(again), str(again)) == (MissingAudioError, str(fault.value))


def test_a_wave_at_its_own_rate_is_exact(wav: Path) -> None:
    wave = load_wave(wav, RATE)
    assert (wave.dtype, wave.shape) == (np.float32, (8000,))
    assert np.array_equal(wave, NOISE.astype(np.float32) / 32768)


def test_channels_are_averaged(tmp_path: Path) -> None:
    stereo = np.stack([NOISE, -(NOISE // 2)], axis=1)
    soundfile.write(tmp_path / "s.wav", stereo, RATE, subtype="PCM_16")
    assert inspect(tmp_path / "s.wav")[:4] == (0.5, RATE, 2, 8000)
    # One rounding to float32 at most: half a unit in the last place of 1.
    expected = stereo.astype(np.float64).mean(axis=1) / 32768
    assert np.abs(load_wave(tmp_path / "s.wav", RATE) - expected).max() < 6e-8


def test_another_rate_is_resampled_by_soxr_hq(tmp_path: Path) -> None:
    time = np.arange(44_100) / 44_100
    tone = (0.5 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    soundfile.write(tmp_path / "r.wav", tone, 44_100, subtype="FLOAT")
    wave = load_wave(tmp_path / "r.wav", RATE)
    assert np.array_equal(wave, soxr.resample(tone, 44_100, RATE, quality="HQ"))
    wanted = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    # Away from the edges the filter's pass band is flat to better than 1e-3.
    assert np.abs(wave - wanted)[500:-500].max() < 1e-3


@settings(max_examples=40)
@given(first=st.integers(0, 7998), count=st.integers(1, 8000))
def test_a_part_is_cut_to_the_sample(
    tmp_path_factory: pytest.TempPathFactory, first: int, count: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "part.wav"
    if not path.exists():
        soundfile.write(path, NOISE, RATE, subtype="PCM_16")
    last = min(first + count, 8000)
    wave = load_wave(path, RATE, first / RATE, last / RATE)
    assert np.array_equal(wave, NOISE[first:last].astype(np.float32) / 32768)


@pytest.mark.parametrize(("start_s", "end_s"), [(0.6, None), (0.0, 0.7), (0.3, 0.2), (-0.1, 0.2)])
def test_a_part_outside_the_file_is_refused(wav: Path, start_s: float, end_s: float | None) -> None:
    with pytest.raises(AudioError, match="does not lie inside"):
        load_wave(wav, RATE, start_s, end_s)


def test_a_part_without_a_sample_is_refused(wav: Path) -> None:
    with pytest.raises(EmptyAudioError):
        load_wave(wav, RATE, 0.2, 0.2)
