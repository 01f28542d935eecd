"""Corpora whose rows come from the owners' tables: what copies do to tables and clips is read right or refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from corpus_folders import by_id, touch, write

from harness.corpora import check_corpus, emns, emozionalmente, m3ed, meld, mer2023, pavoque, resd
from harness.errors import CorpusError
from harness.manifest import Fault, FaultKind

Row = dict[str, Any]


def sound(root: Path, *names: str, rate_hz: int = 16_000, channels: int = 1) -> None:
    noise = np.random.default_rng(0).integers(-999, 999, (rate_hz // 10, channels), dtype=np.int16)
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, noise, rate_hz, subtype="PCM_16")


def of_kind(module: Any, root: Path, kind: FaultKind) -> list[Fault]:
    return [fault for fault in check_corpus(module, root).faults if fault.kind is kind]


# -------------------------------------------------------------------------------------------------- MELD


def meld_row(utt: str, **other: Any) -> Row:
    part, *_ = utt.split("_")
    fixed = {"season": 8, "episode": 21, "ep_start": "00:16:16,059", "ep_end": "00:16:21,731", "sr_no": 1}
    said = {"speaker": "Phoebe", "label_raw": "joy", "sentiment": "positive"}
    return {"utt": utt, "split": part, **fixed, **said, **other}


def meld_tree(trees: ModuleType, root: Path, *utts: str, encoding: str = "utf-8") -> Path:
    annotation = trees.annotator("meld")
    assert annotation is not None
    annotation.annotate([meld_row(utt) for utt in utts], root, encoding=encoding)
    return root


def test_meld_numbers_start_anew_in_every_part(listing_trees: ModuleType, tmp_path: Path) -> None:
    meld_tree(listing_trees, tmp_path, "train_dia0_utt3", "dev_dia0_utt3", "test_dia0_utt3")
    rows = by_id(meld, tmp_path)
    assert [(row.id, row.split, row.dialogue, row.turn) for row in rows.values()] == [
        (f"{part}_dia0_utt3", part, f"{part}_dia0", 3) for part in ("train", "dev", "test")
    ]


def test_meld_the_archives_cp1252_and_the_repositorys_utf8_say_the_same(
    listing_trees: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    texts = []
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        (tmp_path / encoding).mkdir()
        root = meld_tree(listing_trees, tmp_path / encoding, "train_dia0_utt0", encoding=encoding)
        with caplog.at_level(logging.INFO):
            texts.append(by_id(meld, root)["train_dia0_utt0"].text)
    assert texts == ["Invented, it’s said: train_dia0_utt0."] * 3
    assert "cp1252/train_sent_emo.csv is no UTF-8 and is read as CP1252" in caplog.text


def test_meld_the_samples_in_both_encodings(shared: Path) -> None:
    folder = shared / "reference/samples/meld"
    one, other = by_id(meld, folder), by_id(meld, folder / "cp1252")
    assert one == other
    assert [row.turn for row in one.values()] == [
        0,
        1,
        3,
    ]  # a gap; one-digit hours; start = end in the last row


def test_meld_the_sentiment_is_a_further_label_where_the_copy_has_it(
    listing: Any, listing_trees: ModuleType, tmp_path: Path
) -> None:
    rows = {row["utt"]: row for row in listing("meld")}
    listing_trees.annotator("meld").annotate(list(rows.values()), tmp_path)
    said = [(utterance.id, utterance.labels["sentiment"]) for utterance in meld.read(tmp_path)]
    assert sorted(said) == sorted((name, row["sentiment"]) for name, row in rows.items())
    path = tmp_path / "train_sent_emo.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace(",Sentiment,", ",Sentiment_of_old,"), encoding="utf-8"
    )
    assert {tuple(u.labels) for u in meld.read(tmp_path) if u.split == "train"} == {()}


def test_meld_a_corrected_cut_wins_and_the_first_one_is_told(
    listing_trees: ModuleType, tmp_path: Path
) -> None:
    root = meld_tree(listing_trees, tmp_path, "test_dia38_utt4", "test_dia1_utt1")
    folder = "output_repeated_splits_test"
    sound(
        root,
        f"{folder}/dia38_utt4.wav",
        f"{folder}/final_videos_testdia38_utt4.wav",
        f"{folder}/dia1_utt1.wav",
    )
    rows = by_id(meld, root)
    assert rows["test_dia38_utt4"].path == f"{folder}/final_videos_testdia38_utt4.wav"
    assert rows["test_dia38_utt4"].defect == ""  # the wrong cut is the one that is not read
    assert rows["test_dia1_utt1"].path == f"{folder}/dia1_utt1.wav"
    assert [fault.path for fault in of_kind(meld, root, FaultKind.UNEXPECTED)] == [f"{folder}/dia38_utt4.wav"]


def test_meld_a_converted_clip_is_taken_before_the_video_and_the_log_says_so(
    listing_trees: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = meld_tree(listing_trees, tmp_path, "train_dia0_utt0", "train_dia0_utt1")
    touch(root, *(f"train_splits/dia0_utt{n}" for n in ("0.mp4", "0.wav", "1.mp4")))
    touch(root, "train_splits/._dia0_utt1.wav")
    paths = [row.path for row in meld.read(root)]
    assert paths == ["train_splits/dia0_utt0.wav", "train_splits/dia0_utt1.mp4"]
    assert "1 .wav" in caplog.text
    assert "1 .mp4" in caplog.text


def test_meld_archives_unpacked_each_in_its_own_folder(listing_trees: ModuleType, tmp_path: Path) -> None:
    root = meld_tree(listing_trees, tmp_path, "train_dia0_utt0")
    (root / "train").mkdir()
    (root / "train_sent_emo.csv").rename(root / "train/train_sent_emo.csv")
    touch(root, "train/train_splits/dia0_utt0.mp4", "train/._train_sent_emo.csv")
    assert [row.path for row in meld.read(root)] == ["train/train_splits/dia0_utt0.mp4"]


def test_meld_only_the_two_clips_that_no_copy_has_may_be_absent(
    listing_trees: ModuleType, tmp_path: Path
) -> None:
    root = meld_tree(listing_trees, tmp_path, "dev_dia110_utt7", "dev_dia1_utt1", "train_dia125_utt3")
    write(root / "train_splits/dia125_utt3.mp4", "no video")
    sound(root, "dev_splits_complete/dia49_utt4.wav")  # in the archive, without a row
    known = {fault.path for fault in of_kind(meld, root, FaultKind.KNOWN_DEFECT)}
    assert known == {"dev_splits_complete/dia110_utt7.mp4", "train_splits/dia125_utt3.mp4"}
    assert [f.path for f in of_kind(meld, root, FaultKind.MISSING)] == ["dev_splits_complete/dia1_utt1.mp4"]
    extra = [fault.path for fault in of_kind(meld, root, FaultKind.UNEXPECTED)]
    assert extra == ["dev_splits_complete/dia49_utt4.wav"]


def test_meld_stereo_and_six_channels_are_no_fault(listing_trees: ModuleType, tmp_path: Path) -> None:
    root = meld_tree(listing_trees, tmp_path, "train_dia0_utt0", "train_dia0_utt1", "train_dia0_utt2")
    for number, channels in enumerate((2, 6, 3)):
        sound(root, f"train_splits/dia0_utt{number}.wav", rate_hz=48_000, channels=channels)
    told = of_kind(meld, root, FaultKind.WRONG_CHANNELS)
    assert [fault.path for fault in told] == ["train_splits/dia0_utt2.wav"]


def test_meld_the_defects_are_those_of_the_listing(listing: Any) -> None:
    assert set(meld.DEFECTS) == {row["utt"] for row in listing("meld") if row.get("defect")}


# -------------------------------------------------------------------------------------------------- M3ED


def m3ed_tree(root: Path, turns: Sequence[int], clips: Sequence[int]) -> Path:
    people = {"A": {"Name": "某甲", "Gender": "female"}, "B": {"Name": "某乙", "Gender": "male"}}
    dialog = {f"anjia_1_{turn}": said("AB"[turn % 2]) for turn in turns}
    content = {"anjia": {"anjia_1": {"SpeakerInfo": people, "Dialog": dialog}}}
    root.mkdir(exist_ok=True)
    (root / "annotation.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    write(root / "splitInfo/movie_list_val.txt", "anjia", "")
    touch(root, *(f"clips/{'AB'[turn % 2]}_anjia_1_{turn}.wav" for turn in clips))
    return root


def said(speaker: str) -> dict[str, Any]:
    votes = {"final_mul_emo": "Anger,Disgust", "final_main_emo": "Anger"}
    return {"Text": "虚构的一句", "Speaker": speaker, "EmoAnnotation": votes}


def test_m3ed_speakers_turns_and_parts(tmp_path: Path) -> None:
    rows = list(m3ed.read(m3ed_tree(tmp_path, [10, 2, 3], [10, 2, 3])))
    assert [(row.turn, row.speaker, row.gender) for row in rows] == [
        (2, "anjia_某甲", "female"),
        (3, "anjia_某乙", "male"),
        (10, "anjia_某甲", "female"),
    ]
    assert {(row.label_raw, row.split, row.dialogue) for row in rows} == {("Anger", "dev", "anjia_1")}
    assert rows[1].path == "clips/B_anjia_1_3.wav"


@pytest.mark.parametrize(("absent", "kind"), [(12, FaultKind.KNOWN_DEFECT), (13, FaultKind.MISSING)])
def test_m3ed_twelve_clips_may_be_absent_and_thirteen_may_not(
    absent: int, kind: FaultKind, tmp_path: Path
) -> None:
    root = m3ed_tree(tmp_path, range(20), [])
    sound(root, *(f"clips/{'AB'[turn % 2]}_anjia_1_{turn}.wav" for turn in range(absent, 20)))
    told = [fault for fault in check_corpus(m3ed, root).faults if fault.path.startswith("clips/")]
    assert [fault.kind for fault in told] == [kind] * absent


@pytest.mark.parametrize("text", ["{", "[]", '{"a": {"a_1": {"Dialog": {"a_1_1": {}}, "SpeakerInfo": {}}}}'])
def test_m3ed_another_json_is_refused(text: str, tmp_path: Path) -> None:
    write(tmp_path / "annotation.json", text)
    with pytest.raises(CorpusError, match=r"annotation\.json"):
        list(m3ed.read(tmp_path))


# -------------------------------------------------------------------------------------------------- RESD


@pytest.mark.parametrize("folder", ["", "happiness_enthusiasm_32/", "train/happiness_enthusiasm_32/"])
def test_resd_paths_with_and_without_folders(folder: str, tmp_path: Path) -> None:
    name = "32_happiness_enthusiasm_h_120"
    touch(tmp_path, f"train/happiness_enthusiasm_32/{name}.wav")
    write(tmp_path / "train.csv", "emotion,path", f"happiness,{folder}{name}.wav")
    row = next(iter(resd.read(tmp_path)))
    assert (row.id, row.path) == (name, f"train/happiness_enthusiasm_32/{name}.wav")
    assert (row.dialogue, row.split, row.speaker) == ("happiness_enthusiasm_32", "train", "")


def test_resd_blanks_and_the_dialogue_that_is_named_both_ways(tmp_path: Path) -> None:
    path = "11_disgust_anger/11_anger_disgust a_020.wav"
    touch(tmp_path, f"test/{path}")
    write(tmp_path / "test.csv", "name,path,emotion", f"11,{path},anger")
    row = next(iter(resd.read(tmp_path)))
    assert (row.id, row.dialogue) == ("11_anger_disgust a_020", "11_disgust_anger")


def test_resd_parquet_is_refused_with_the_way_to_unpack_it(tmp_path: Path) -> None:
    touch(tmp_path, "data/train-00000-of-00001.parquet")
    with pytest.raises(CorpusError, match="inside of parquet") as fault:
        list(resd.read(tmp_path))
    assert "SPLIT.csv" in str(fault.value.next_step)


# -------------------------------------------------------------------------------------------------- EMNS


def emns_tree(root: Path, count: int) -> Path:
    head = "id|user_id|utterance|description|emotion|date_created|status|gender|age|level|audio_recording"
    lines = (f"{n}|3|Said, {n}.|x|Happy|2022|Complete|female|20s|3|wavs/rec_{n}.webm" for n in range(count))
    write(root / "metadata.csv", head, *lines)
    return root


@pytest.mark.parametrize("name", ["cleaned_webm/rec_0.webm", "cleaned_webm/rec_0.wav", "wavs/rec_0.wav"])
def test_emns_owners_and_converted_files(name: str, tmp_path: Path) -> None:
    touch(emns_tree(tmp_path, 1), name, "raw_webm/rec_0.webm")
    row = next(iter(emns.read(tmp_path)))
    assert (row.path, row.label, row.defect) == (name, None, "")
    assert (row.speaker, row.gender, row.text) == ("3", "female", "Said, 0.")


@pytest.mark.parametrize(("lacking", "defects"), [(24, 24), (25, 0)])
def test_emns_up_to_24_rows_lack_a_cleaned_file(lacking: int, defects: int, tmp_path: Path) -> None:
    touch(emns_tree(tmp_path, 30), *(f"cleaned_webm/rec_{n}.webm" for n in range(lacking, 30)))
    rows = list(emns.read(tmp_path))
    assert sum(bool(row.defect) for row in rows) == defects
    assert sum(row.label == "" for row in rows) == defects
    assert rows[0].path == ("raw_webm/rec_0.webm" if defects else "cleaned_webm/rec_0.webm")


def test_emns_another_table_of_that_name_is_not_it(tmp_path: Path) -> None:
    write(tmp_path / "metadata.csv", "LJ001-0001|Text|Text")
    with pytest.raises(CorpusError, match="not the root of EMNS"):
        list(emns.read(tmp_path))


# ---------------------------------------------------------------------------------------- Emozionalmente


def emozionalmente_tree(root: Path, parts: Sequence[str] = ()) -> Path:
    touch(root, "audio/1.wav", "audio/2.wav")
    lines = ["sentence,file_name,emotion_expressed,actor", "Frase.,1.wav,joy,a", "Frase.,2.wav,joy,b"]
    if parts:
        lines = [f"{line},{cell}" for line, cell in zip(lines, ("split", *parts), strict=True)]
    write(root / "metadata/samples.csv", *lines)
    write(root / "metadata/users.csv", "username,age,gender", "a,30,f", "b,31,other")
    return root


def test_emozionalmente_people_and_no_split(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one, two = emozionalmente.read(emozionalmente_tree(tmp_path))
    assert [(row.speaker, row.gender, row.split) for row in (one, two)] == [
        ("a", "female", ""),
        ("b", "", ""),
    ]
    assert one.sentence == two.sentence
    assert "2 of 2 clips are in no official part" in caplog.text


def test_emozionalmente_the_official_split_from_a_column_or_from_tables(tmp_path: Path) -> None:
    column = emozionalmente_tree(tmp_path / "column", ["train", "Validation"])
    tables = emozionalmente_tree(tmp_path / "tables")
    write(tables / "metadata/samples_train.csv", "file_name,actor", "1.wav,a")
    write(tables / "metadata/split/dev.csv", "file_name", "2.wav")
    write(tables / "metadata/evaluations.csv", "sample,actor", "1.wav,a")
    for root in (column, tables):
        assert [row.split for row in emozionalmente.read(root)] == ["train", "dev"]
    write(tables / "metadata/test.csv", "file_name", "2.wav")
    with pytest.raises(CorpusError, match="in two parts"):
        list(emozionalmente.read(tables))


# ----------------------------------------------------------------------------------------------- MER2023


def test_mer2023_avi_or_mp4_in_the_folder_of_the_part(tmp_path: Path) -> None:
    write(tmp_path / "mer2023train/train-label.csv", "name,discrete,valence", "sample_1,worried,-1.5")
    names = ("sample_2", "samplenew_3", "samplenew_4")
    write(tmp_path / "test-labels/test3-label.csv", "discrete,name", *(f"happy,{name}" for name in names))
    touch(tmp_path, "mer2023train/train/sample_1.avi", "test3/sample_2.mp4", "test3/samplenew_3.mp4")
    rows = by_id(mer2023, tmp_path)
    assert {row.id: (row.path, row.split) for row in rows.values()} == {
        "sample_1": ("mer2023train/train/sample_1.avi", "train"),
        "sample_2": ("test3/sample_2.mp4", "test3"),
        "samplenew_3": ("test3/samplenew_3.mp4", "test3"),
        "samplenew_4": ("mer2023train/test3/samplenew_4.mp4", "test3"),
    }


# ----------------------------------------------------------------------------------------------- PAVOQUE


def test_pavoque_outtakes_are_not_read_and_are_told(tmp_path: Path) -> None:
    entry = "- {{prompt: spike0001, text: Erfunden., style: {}, start: 0.02, end: 0.05}}"
    for name, style in (("sad", "sad"), ("outtakes", "neutral")):
        write(tmp_path / f"pavoque-{name}.yaml", entry.format(style))
        sound(tmp_path, f"pavoque-{name}.flac", rate_hz=44_100)
    (row,) = pavoque.read(tmp_path)
    assert (row.id, row.path, row.start_s, row.end_s) == ("spike0001-sad", "pavoque-sad.flac", 0.02, 0.05)
    assert row.sentence == "spike0001"
    told = [fault.path for fault in of_kind(pavoque, tmp_path, FaultKind.UNEXPECTED)]
    assert told == ["pavoque-outtakes.flac"]


@pytest.mark.parametrize(
    "text", ["- {prompt: x", "- prompt: x", "prompt: x", "3", "- {prompt: x, start: soon}"]
)
def test_pavoque_another_list_is_refused(text: str, tmp_path: Path) -> None:
    write(tmp_path / "pavoque-sad.yaml", text)
    with pytest.raises(CorpusError, match=r"pavoque-sad\.yaml"):
        list(pavoque.read(tmp_path))
