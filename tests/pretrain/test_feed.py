"""What the loop is given: waves in the wanted order, cropped to the shortest, the same every time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from harness.errors import AudioError, CorpusError
from harness.pretrain._clips import Clip, clips_of_folder, usable
from harness.pretrain._config import BatchRule
from harness.pretrain._feed import Feed

WANTED = [
    ((0, 5), (7, 0, 0)),
    ((3,), (7, 0, 1)),
    ((11, 2, 4), (7, 1, 0)),
    ((1, 6), (7, 1, 1)),
    ((8,), (7, 2, 0)),
    ((9, 10), (7, 2, 1)),
]


def prepare(waves: Tensor, rng: np.random.Generator) -> Mapping[str, Tensor]:
    return {"waves": waves, "draw": torch.tensor(rng.random())}


def read(clips: list[Clip], threads: int, longest: int = 40_000) -> list[dict[str, Tensor]]:
    with Feed(clips, longest, threads) as feed:
        return [dict(fed.tensors) for fed in feed.read(WANTED, prepare)]


def test_comes_in_order_and_is_the_same_for_any_number_of_threads(clips: list[Clip]) -> None:
    one, many = read(clips, 1), read(clips, 4)
    assert len(one) == len(WANTED)
    for first, second in zip(one, many, strict=True):
        assert torch.equal(first["waves"], second["waves"])
        assert torch.equal(first["draw"], second["draw"])


def test_does_not_depend_on_what_was_read_before(clips: list[Clip]) -> None:
    """A run that goes on reads the same crops and draws the same masks."""
    with Feed(clips, 40_000, 1) as feed:
        (late,) = feed.read(WANTED[3:4], prepare)
    early = read(clips, 1)[3]
    assert torch.equal(late.tensors["waves"], early["waves"])
    assert torch.equal(late.tensors["draw"], early["draw"])


def test_all_are_cropped_to_the_shortest(clips: list[Clip]) -> None:
    for (batch, _), fed in zip(WANTED, read(clips, 1), strict=True):
        shortest = min(clips[place].samples for place in batch)
        assert abs(fed["waves"].shape[1] - shortest) <= 1  # resampling rounds
        assert fed["waves"].shape[0] == len(batch)
        assert fed["waves"].dtype == torch.float32


def test_crops_are_pieces_of_the_waves_and_move_with_the_seed(clips: list[Clip]) -> None:
    with Feed(clips, 6_000, 1) as feed:
        crops = [feed.waves((11,), np.random.default_rng(seed))[0].numpy() for seed in range(8)]
    whole = clips[11].wave()
    starts = {
        next(at for at in range(len(whole) - 5_999) if np.array_equal(whole[at : at + 6_000], crop))
        for crop in crops
    }
    assert len(starts) > 4


def test_samples_are_those_that_are_heard(clips: list[Clip]) -> None:
    with Feed(clips, 6_000, 1) as feed:
        assert [fed.samples for fed in feed.read([((11, 10), (0,))], prepare)] == [12_000]


def test_a_file_that_is_gone_stops_the_run(clips: list[Clip]) -> None:
    lost = [clips[0]._replace(path=Path("gone.wav"))]
    with Feed(lost, 40_000, 1) as feed, pytest.raises(AudioError, match=r"gone\.wav"):
        list(feed.read([((0,), (0,))], prepare))


def test_short_and_silent_ones_are_left_out_and_counted(clips: list[Clip], tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(20_000), 16_000)
    (silent,) = clips_of_folder(tmp_path)
    rule = BatchRule(shortest=8_000)
    kept, left_out = usable([*clips, silent], rule)
    assert left_out == {"too short": sum(clip.samples < 8_000 for clip in clips), "silent": 1}
    assert len(kept) == len(clips) - left_out["too short"]
    with pytest.raises(CorpusError, match="every utterance is silent, or shorter"):
        usable([silent], rule)


def test_a_folder_is_read_at_any_depth_without_hidden_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("b/two.wav", "one.flac", ".hidden/three.wav", "b/.four.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, np.full(4_000, 3_000, dtype=np.int16), 16_000)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    found = clips_of_folder(tmp_path)
    assert "1 sound files cannot be decoded and are left out, first broken.wav" in caplog.text
    assert [clip.path.relative_to(tmp_path).as_posix() for clip in found] == ["b/two.wav", "one.flac"]
    assert found[0].content == found[1].content
    with pytest.raises(CorpusError, match="no sound to pre-train on"):
        clips_of_folder(tmp_path / ".hidden" / "nothing")
