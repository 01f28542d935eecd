"""What libsndfile does not read by itself, what only looks like sound, and how many channels become one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.audio import MissingDecoderError, inspect, load_wave
from harness.audio._ffmpeg import ffmpeg
from harness.audio._file import BLOCK_FRAMES
from harness.cli import main
from harness.errors import AudioError

RATE = 48_000
TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)


def encoded(folder: Path, name: str, samples: np.ndarray, *words: str) -> Path:
    """`samples` as `name`, made by ffmpeg itself."""
    source = folder / "source.wav"
    soundfile.write(source, samples, RATE, subtype="FLOAT")
    path = folder / name
    subprocess.run([ffmpeg(path), "-v", "error", "-i", str(source), *words, str(path)], check=True)
    return path


@pytest.mark.parametrize(
    ("name", "words"), [("a.mp4", ("-c:a", "aac")), ("a.m4a", ("-c:a", "aac")), ("a.webm", ("-c:a", "libopus")),
                        ("a.avi", ("-c:a", "pcm_s16le"))]
)  # fmt: skip
def test_video_containers_are_read(tmp_path: Path, name: str, words: tuple[str, ...]) -> None:
    path = encoded(tmp_path, name, np.stack([TONE, TONE], axis=1), *words)
    info = inspect(path)
    assert (info.sample_rate_hz, info.channels) == (RATE, 2)
    assert info.duration_s == pytest.approx(1.0, abs=0.06)  # a codec pads to whole blocks
    wave = load_wave(path, 16_000)
    spectrum = np.abs(np.fft.rfft(wave[:16_000]))
    assert int(spectrum.argmax()) == pytest.approx(440, abs=2)
    assert float(np.sqrt(np.mean(wave**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


def test_the_centre_of_six_channels_is_the_voice(tmp_path: Path) -> None:
    sides = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    six = np.stack([sides, sides, TONE, sides, sides, sides], axis=1)
    lossless = tmp_path / "six.wav"
    soundfile.write(lossless, six, RATE, subtype="FLOAT")
    np.testing.assert_array_equal(load_wave(lossless, RATE), TONE.astype(np.float32))
    coded = load_wave(encoded(tmp_path, "six.mp4", six, "-c:a", "aac", "-b:a", "512k"), RATE)
    spectrum = np.abs(np.fft.rfft(coded[:RATE]))
    assert int(spectrum.argmax()) == 440
    assert spectrum[1000] < 0.02 * spectrum[440]


def test_other_channel_counts_are_averaged(tmp_path: Path) -> None:
    path = tmp_path / "two.wav"
    soundfile.write(path, np.stack([TONE, np.zeros_like(TONE)], axis=1), RATE, subtype="FLOAT")
    np.testing.assert_allclose(load_wave(path, RATE), TONE / 2, atol=1e-7)


def test_without_ffmpeg_one_message_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encoded(tmp_path, "a.mp4", TONE, "-c:a", "aac")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingDecoderError, match=r"ffmpeg.*\n.*got.*a\.mp4[\s\S]*emoharness\[video\]"):
        inspect(path)


def test_a_video_without_sound_and_a_torn_one_are_refused(tmp_path: Path) -> None:
    whole = encoded(tmp_path, "a.mp4", TONE, "-c:a", "aac")
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(AudioError, match="cannot be decoded"):
        inspect(torn)
    silent = tmp_path / "silent.mp4"
    words = [
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "color=size=16x16:duration=0.2",
        "-c:v",
        "mpeg4",
        str(silent),
    ]
    subprocess.run([ffmpeg(silent), *words], check=True)
    with pytest.raises(AudioError, match="cannot be decoded"):
        inspect(silent)


def test_aiff_named_wav_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, TONE, RATE, subtype="PCM_24", format="AIFF")
    assert inspect(path).samples == RATE
    np.testing.assert_allclose(load_wave(path, RATE), TONE, atol=1e-6)


def test_a_pointer_of_git_lfs_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "1001_DFA_ANG_XX.wav"
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 72862\n")
    with pytest.raises(AudioError, match="pointer of Git LFS") as fault:
        inspect(path)
    assert "git lfs pull" in str(fault.value.next_step)


def test_a_long_file_is_measured_block_by_block(tmp_path: Path) -> None:
    """The hash of the blocks is the hash of the whole; one sample in the last block breaks the silence."""
    import hashlib

    samples = np.zeros(BLOCK_FRAMES + 7, dtype=np.int16)
    samples[-1] = 1
    path = tmp_path / "long.wav"
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    info = inspect(path)
    assert info.pcm_sha256 == hashlib.sha256(samples.tobytes()).hexdigest()
    assert (info.samples, info.silent) == (BLOCK_FRAMES + 7, False)


def test_a_missing_decoder_stops_a_corpus_with_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not with a fault for every file."""
    clip = encoded(tmp_path, "clip.m4a", TONE, "-c:a", "aac")
    folder = tmp_path / "mead" / "M003" / "audio" / "angry" / "level_1"
    folder.mkdir(parents=True)
    for number in range(1, 4):
        (folder / f"{number:03d}.m4a").write_bytes(clip.read_bytes())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    assert main(["corpus", "check", "mead", f"root={tmp_path / 'mead'}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("harness: .m4a files need the program ffmpeg")
    assert said.count("got:") == 1
