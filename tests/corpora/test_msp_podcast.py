"""MSP-Podcast in the spellings of all its releases: read alike, or refused by line and column."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from corpus_folders import by_id, touch, write

from harness.corpora import msppodcast
from harness.errors import CorpusError

MSP_HEAD = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"


def msp_tree(root: Path, *lines: str, name: str = "labels_consensus.csv", folder: str = "Audios") -> Path:
    write(root / "Labels" / name, MSP_HEAD, *lines)
    touch(root, f"{folder}/MSP-PODCAST_0001_0001.wav")
    return root


@pytest.mark.parametrize("name", ["labels_concensus.csv", "labels_consensus.csv"])
@pytest.mark.parametrize("folder", ["Audios", "Audio"])
def test_msp_both_spellings_and_both_folders(name: str, folder: str, tmp_path: Path) -> None:
    line = "MSP-PODCAST_0001_0001.wav,X,1,2,3,Unknown,Unknown,Development"
    row = next(iter(msppodcast.read(msp_tree(tmp_path, line, name=name, folder=folder))))
    assert row.path == f"{folder}/MSP-PODCAST_0001_0001.wav"
    assert (row.speaker, row.gender, row.split, row.label_raw) == ("", "", "dev", "X")


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("Train", "train"),
        ("Validation", "dev"),
        ("Development", "dev"),
        ("Test1", "test1"),
        ("Test3", "test3"),
    ],
)
def test_msp_parts_of_all_releases(word: str, part: str, tmp_path: Path) -> None:
    root = msp_tree(tmp_path, f"MSP-PODCAST_0001_0001.wav,N,1,2,3,7,Female,{word}")
    row = next(iter(msppodcast.read(root)))
    assert (row.speaker, row.gender, row.split) == ("7", "female", part)


@pytest.mark.parametrize(("cells", "column"), [("7,Female,Room", "Split_Set"), ("7,Robot,Train", "Gender")])
def test_msp_a_word_that_cannot_be_meant_is_refused_by_line_and_column(
    cells: str, column: str, tmp_path: Path
) -> None:
    good = "MSP-PODCAST_0001_0001.wav,N,1,2,3,7,Female,Train"
    root = msp_tree(tmp_path, good, f"MSP-PODCAST_0001_0002.wav,N,1,2,3,{cells}")
    with pytest.raises(CorpusError, match=rf"line 3, column {column}"):
        list(msppodcast.read(root))


def test_msp_the_json_file_says_the_same_as_the_table(shared: Path, tmp_path: Path) -> None:
    samples = shared / "reference/samples/msppodcast/Labels"
    both = []
    for name in ("labels_concensus.csv", "labels_concensus.json"):
        root = tmp_path / name[-3:]
        write(root / "Labels" / name, (samples / name).read_text(encoding="utf-8"))
        (root / "Audios").mkdir()
        both.append(by_id(msppodcast, root)["MSP-PODCAST_9001_0008"])
    assert both[0] == both[1]


def test_msp_the_release_is_told_and_the_labels_alone_are_not_the_root(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "MSP-PODCAST-Publish-1.8"
    msp_tree(root, "MSP-PODCAST_0001_0001.wav,N,1,2,3,7,Female,Train")
    with caplog.at_level(logging.INFO):
        list(msppodcast.read(root))
    assert "release 1.8" in caplog.text
    with pytest.raises(CorpusError, match="did you mean") as fault:
        list(msppodcast.read(root / "Labels"))
    assert f"corpus.root={root} ?" in str(fault.value.next_step)
