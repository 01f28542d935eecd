"""CMU-MOSI and CMU-MOSEI: labels find their segments by time, by text or by number, not by a running index."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from harness.corpora import check_corpus, mosei, mosi
from harness.corpora._opinions import raw_score, sign
from harness.errors import CorpusError
from harness.manifest import FaultKind

VIDEO = "--qXJuDtHPw"
OTHER = "b_-_inv3nt_"
TRANSCRIPTS = Path("Raw/Transcript/Segmented/Combined")
HEAD = "video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode"
Segments = Sequence[tuple[float, float, float]]
"""Start, end, score."""


def sequence(path: Path, videos: Mapping[str, Segments], group: str = "All Labels") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for video, segments in videos.items():
            place = file.create_group(f"{group}/data/{video}")
            place["intervals"] = np.array([one[:2] for one in segments], dtype=np.float32)
            place["features"] = np.array([[one[2], 0, 0, 0, 0, 0, 0] for one in segments], dtype=np.float32)
        file.create_group(f"{group}/metadata")


def transcript(root: Path, video: str, *lines: str) -> None:
    (root / TRANSCRIPTS).mkdir(parents=True, exist_ok=True)
    text = "\n".join(f"{video}___{line}" for line in lines)
    (root / TRANSCRIPTS / f"{video}.txt").write_text(text, encoding="utf-8")


def table(path: Path, *lines: str) -> None:
    path.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")


def folds(root: Path, train: str, valid: str, test: str, name: str = "cmu_mosei_std_folds.py") -> None:
    (root / name).write_text(
        f"standard_train_fold={train}\n\nstandard_valid_fold={valid}\n\nstandard_test_fold={test}\n",
        encoding="utf-8",
    )


@given(st.floats(-3, 3))
def test_a_score_keeps_its_text_and_its_sign_in_32_bits(score: float) -> None:
    rounded = round(score, 4)
    assert raw_score(float(np.float32(rounded))) == raw_score(rounded)
    assert sign(float(np.float32(rounded))) == sign(rounded)
    assert raw_score(rounded) != "-0.0"


# ------------------------------------------------------------------------------------------------- MOSEI


def test_mosei_labels_find_their_line_by_time_whatever_the_underscores(tmp_path: Path) -> None:
    transcript(
        tmp_path,
        VIDEO,
        "0___0.0___7.199___One",
        "5___23.5___30.75___Two ____ with ___ underscores",
        "6____-0.105___2.5___Three",
        "7___7.199___8.0___Unlabelled",
    )
    labelled = [(23.5, 30.75, -2 / 3), (-0.105, 2.5, 0.0), (0.0, 7.199, 1.0)]
    sequence(tmp_path / "CMU_MOSEI_Labels.csd", {VIDEO: labelled})
    rows = {row.id: row for row in mosei.read(tmp_path)}
    assert list(rows) == [f"{VIDEO}_{clip}" for clip in (0, 5, 6)]
    two, three = rows[f"{VIDEO}_5"], rows[f"{VIDEO}_6"]
    assert (two.start_s, two.end_s, two.text) == (23.5, 30.75, "Two ____ with ___ underscores")
    assert (two.label_raw, two.label, two.speaker) == ("-0.666667", "negative", VIDEO)
    assert two.path == f"Raw/Audio/Full/WAV_16000/{VIDEO}.wav"
    assert (three.start_s, three.end_s, three.label_raw, three.label) == (0.0, 2.5, "0.0", "neutral")


def test_mosei_the_sample_is_read(shared: Path, tmp_path: Path) -> None:
    name = TRANSCRIPTS / f"{VIDEO}.txt"
    lines = (shared / "reference/samples/mosei" / name).read_text(encoding="utf-8").splitlines()
    transcript(tmp_path, VIDEO, *(line.removeprefix(f"{VIDEO}___") for line in lines))
    sequence(tmp_path / "Raw/labels/CMU_MOSEI_Labels.csd", {VIDEO: [(-0.105, 2.5, 1.0), (23.5, 30.75, 1.0)]})
    assert [row.id for row in mosei.read(tmp_path)] == [f"{VIDEO}_5", f"{VIDEO}_6"]


def test_mosei_names_with_underscores_at_their_end_and_texts_over_two_lines(tmp_path: Path) -> None:
    transcript(tmp_path, OTHER, "3___1.0___2.0___One\nand more", "4___2.0___3.0___Two")
    sequence(tmp_path / "CMU_MOSEI_Labels.csd", {OTHER: [(1.0, 2.0, 3.0)]})
    text = (tmp_path / TRANSCRIPTS / f"{OTHER}.txt").read_text(encoding="utf-8")
    assert text.startswith("b_-_inv3nt____3")
    assert [(row.id, row.text) for row in mosei.read(tmp_path)] == [(f"{OTHER}_3", "One and more")]


def test_mosei_labels_without_a_line_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    transcript(tmp_path, VIDEO, "0___0.0___7.199___One")
    sequence(tmp_path / "CMU_MOSEI_Labels.csd", {VIDEO: [(0.0, 7.199, 1), (0.0, 7.2, 1)], OTHER: [(0, 1, 1)]})
    assert [row.id for row in mosei.read(tmp_path)] == [f"{VIDEO}_0"]
    assert "2 labels of" in caplog.text
    transcript(tmp_path, VIDEO, "0___1.0___7.199___One")
    with pytest.raises(CorpusError, match="no label of CMU-MOSEI fits"):
        list(mosei.read(tmp_path))


def test_mosei_a_table_is_matched_by_text_and_never_by_its_running_index(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    transcript(
        tmp_path,
        VIDEO,
        "2___0___1___Hello, you!",
        "5___1___2___Um",
        "7___2___3___Um",
        "9___3___4___Once",
        "11___4___5___Once",
    )
    table(
        tmp_path / "label.csv",
        f"{VIDEO},2,um,1.0,,,,Positive,valid",
        f"{VIDEO},1,um,-1.0,,,,Negative,valid",
        f'{VIDEO},0,"HELLO  you",2.0,,,,Positive,valid',
        f"{VIDEO},3,once,3.0,,,,Positive,valid",
    )
    rows = [(row.id, row.label_raw, row.split) for row in mosei.read(tmp_path)]
    assert rows == [(f"{VIDEO}_{n}", score, "dev") for n, score in ((2, "2.0"), (5, "-1.0"), (7, "1.0"))]
    assert "1 of 4 fit no transcript line" in caplog.text


def test_mosei_the_label_file_wins_over_a_table_that_lies_less_deep(tmp_path: Path) -> None:
    transcript(tmp_path, VIDEO, "2___0___1___One")
    table(tmp_path / "label.csv", f"{VIDEO},2,one,1.0,,,,Positive,test")
    sequence(tmp_path / "Raw/Labels/CMU_MOSEI_Labels.csd", {VIDEO: [(0, 1, -3)]})
    assert [(row.label_raw, row.split) for row in mosei.read(tmp_path)] == [("-3.0", "test")]


def test_mosei_folds_are_read_and_never_run(tmp_path: Path) -> None:
    for video in (VIDEO, OTHER):
        transcript(tmp_path, video, "2___0___1___One")
    sequence(tmp_path / "CMU_MOSEI_Labels.csd", {video: [(0, 1, 1)] for video in (VIDEO, OTHER)})
    folds(tmp_path, f"[{OTHER!r}]", f"[{VIDEO!r}]", "[]")
    with (tmp_path / "cmu_mosei_std_folds.py").open("a", encoding="utf-8") as file:
        file.write(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    assert {row.speaker: row.split for row in mosei.read(tmp_path)} == {VIDEO: "dev", OTHER: "train"}
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("train", "wanted"),
    [("list('ab')", "cannot be read"), ("[", "cannot be read"), (f"[{VIDEO!r}]", "a video is in two folds")],
)
def test_mosei_folds_that_are_no_lists_or_overlap_are_refused(
    train: str, wanted: str, tmp_path: Path
) -> None:
    transcript(tmp_path, VIDEO, "2___0___1___One")
    sequence(tmp_path / "CMU_MOSEI_Labels.csd", {VIDEO: [(0, 1, 1)]})
    folds(tmp_path, train, "[]", f"[{VIDEO!r}]")
    with pytest.raises(CorpusError, match=wanted):
        list(mosei.read(tmp_path))


def test_mosei_without_folds_the_split_is_empty_and_the_log_says_where_they_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    transcript(tmp_path, VIDEO, "2___0___1___One")
    sequence(tmp_path / "CMU_MOSEI_Labels.csd", {VIDEO: [(0, 1, 1)]})
    with caplog.at_level(logging.WARNING):
        assert [row.split for row in mosei.read(tmp_path)] == [""]
    assert "put cmu_mosei_std_folds.py" in caplog.text


@pytest.mark.parametrize("line", ["2___0___One", "two___0___1___One", "2___zero___1___One"])
def test_mosei_a_line_that_cannot_be_meant_is_refused(line: str, tmp_path: Path) -> None:
    transcript(tmp_path, VIDEO, line)
    sequence(tmp_path / "CMU_MOSEI_Labels.csd", {VIDEO: [(0, 1, 1)]})
    with pytest.raises(CorpusError, match=r"txt, line 1"):
        list(mosei.read(tmp_path))


def test_mosei_a_label_file_that_is_none_is_refused(tmp_path: Path) -> None:
    transcript(tmp_path, VIDEO, "2___0___1___One")
    (tmp_path / "CMU_MOSEI_Labels.csd").write_text("<html>moved</html>", encoding="utf-8")
    with pytest.raises(CorpusError, match="a file of labels cannot be read"):
        list(mosei.read(tmp_path))
    sequence(tmp_path / "CMU_MOSEI_Labels.csd", {VIDEO: [(0, 1, float("nan"))]})
    with pytest.raises(CorpusError, match="no finite number"):
        list(mosei.read(tmp_path))


def test_mosei_an_end_just_behind_the_file_is_its_end_and_a_late_segment_is_a_fault(tmp_path: Path) -> None:
    transcript(tmp_path, VIDEO, "0____-0.2___0.9___One", "1___0.9___1.3___Two", "2___4___5___Three")
    sequence(tmp_path / "CMU_MOSEI_Labels.csd", {VIDEO: [(-0.2, 0.9, 1), (0.9, 1.3, 1), (4, 5, 1)]})
    (tmp_path / "Raw/Audio/Full/WAV_16000").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(-999, 999, 16_000, dtype=np.int16)
    soundfile.write(tmp_path / f"Raw/Audio/Full/WAV_16000/{VIDEO}.wav", noise, 16_000)
    faults = [f for f in check_corpus(mosei, tmp_path).faults if f.kind is not FaultKind.OTHER_RELEASE]
    assert [fault.kind for fault in faults] == [FaultKind.UNREADABLE]
    assert "ends at 5.0 s" in faults[0].message


# -------------------------------------------------------------------------------------------------- MOSI


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize("clip", ["1", "01", "0001"])
@pytest.mark.parametrize(
    "name",
    [
        f"{mosi.SOUND}/{OTHER}_1.wav",
        f"{mosi.SOUND}/{OTHER}_01.wav",
        f"Raw/{OTHER}/0001.mp4",
        f"Raw/Video/Segmented/{OTHER}_1.mp4",
    ],
)
def test_mosi_numbers_are_padded_as_one_likes(clip: str, name: str, tmp_path: Path) -> None:
    touch(tmp_path, name)
    table(tmp_path / "label.csv", f"{OTHER},{clip},TEXT,1.4,,,,Positive,valid")
    (row,) = mosi.read(tmp_path)
    assert (row.id, row.path) == (f"{OTHER}_1", name)
    assert (row.label_raw, row.label, row.split, row.text) == ("1.4", "positive", "dev", "TEXT")


def test_mosi_sound_is_taken_before_video(tmp_path: Path) -> None:
    touch(tmp_path, f"Raw/Video/Segmented/{OTHER}_1.mp4", f"{mosi.SOUND}/{OTHER}_1.wav")
    table(tmp_path / "label.csv", f"{OTHER},1,TEXT,0,,,,Neutral,train")
    assert [row.path for row in mosi.read(tmp_path)] == [f"{mosi.SOUND}/{OTHER}_1.wav"]


def test_mosi_the_owners_sequence_is_numbered_by_time(tmp_path: Path) -> None:
    touch(tmp_path, f"{mosi.SOUND}/{OTHER}_1.wav", f"{mosi.SOUND}/{OTHER}_2.wav")
    labels = {OTHER: [(5.0, 6.0, -1.2), (0.5, 5.0, 2.4)]}
    sequence(tmp_path / "CMU_MOSI_Opinion_Labels.csd", labels, "Opinion Segment Labels")
    folds(tmp_path, f"[{OTHER!r}]", "[]", "[]", "cmu_mosi_std_folds.py")
    text = tmp_path / f"{mosi.TRANSCRIPTS}/{OTHER}.annotprocessed"
    text.parent.mkdir(parents=True)
    text.write_text("1_DELIM_INVENTED ONE\n\n3_DELIM_THREE\n", encoding="utf-8")
    rows = [(row.id, row.label_raw, row.text, row.split) for row in mosi.read(tmp_path)]
    assert rows == [(f"{OTHER}_1", "2.4", "INVENTED ONE", "train"), (f"{OTHER}_2", "-1.2", "", "train")]
    touch(tmp_path, f"{mosi.SOUND}/{OTHER}_3.wav")
    with pytest.raises(CorpusError, match="not numbered alike"):
        list(mosi.read(tmp_path))


def test_mosi_a_clip_number_that_is_none_is_refused_by_line(tmp_path: Path) -> None:
    touch(tmp_path, f"{mosi.SOUND}/{OTHER}_1.wav")
    table(tmp_path / "label.csv", f"{OTHER},1,A,0,,,,Neutral,train", f"{OTHER},two,A,0,,,,Neutral,train")
    with pytest.raises(CorpusError, match="line 3, column clip_id: 'two'"):
        list(mosi.read(tmp_path))


def test_values_are_the_scores_in_the_digits_of_the_label_file(tmp_path: Path) -> None:
    touch(
        tmp_path, f"{mosi.SOUND}/{OTHER}_1.wav", f"{mosi.SOUND}/{OTHER}_2.wav", f"{mosi.SOUND}/{OTHER}_3.wav"
    )
    labels = {OTHER: [(0.5, 5.0, 2.4), (5.0, 6.0, -2 / 3), (6.0, 7.0, -1e-8)]}
    sequence(tmp_path / "CMU_MOSI_Opinion_Labels.csd", labels, "Opinion Segment Labels")
    rows = [(row.values["sentiment"], row.label) for row in mosi.read(tmp_path)]
    assert rows == [(2.4, "positive"), (-0.666667, "negative"), (0.0, "neutral")]
    assert str(rows[2][0]) == "0.0"


def test_mosei_the_owners_sequence_brings_six_intensities_and_a_table_none(tmp_path: Path) -> None:
    transcript(tmp_path, VIDEO, "2___0___1___One")
    with h5py.File(tmp_path / "CMU_MOSEI_Labels.csd", "w") as file:
        place = file.create_group(f"All Labels/data/{VIDEO}")
        place["intervals"] = np.array([[0, 1]], dtype=np.float32)
        place["features"] = np.array([[-1 / 3, 2 / 3, 0, 1, 2, np.nan, 3]], dtype=np.float32)
    (row,) = mosei.read(tmp_path)
    told = {"happiness": 0.666667, "sadness": 0.0, "anger": 1.0, "surprise": 2.0, "fear": 3.0}
    assert row.values == {"sentiment": -0.333333} | told
    (tmp_path / "CMU_MOSEI_Labels.csd").unlink()
    table(tmp_path / "label.csv", f"{VIDEO},2,one,1.5,,,,Positive,test")
    assert [row.values for row in mosei.read(tmp_path)] == [{"sentiment": 1.5}]
