"""What is odd about the files of two corpora of filmed sentences, CREMA-D and eNTERFACE'05."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from corpus_folders import faults, only

from harness.corpora import cremad, enterface
from harness.errors import CorpusError
from harness.manifest import FaultKind

Tree = Callable[..., Path]


# ------------------------------------------------------------------------------------------- CREMA-D

TABLE = '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
CLIP = "AudioWAV/1001_DFA_ANG_XX.wav"


def test_cremad_takes_gender_from_the_table_and_from_nowhere_else(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    root = tree([CLIP])
    with caplog.at_level(logging.WARNING):
        assert {one.gender for one in cremad.read(root)} == {""}
    assert "VideoDemographics.csv" in caplog.text
    (root / "VideoDemographics.csv").write_text(TABLE, encoding="utf-8")
    for place in (root, root / "AudioWAV", root.parent):
        genders = {one.speaker: one.gender for one in cremad.read(place)}
        assert genders.pop("1001") == "male", place
        assert set(genders.values()) == {""}


@pytest.mark.parametrize(
    ("table", "named"),
    [(TABLE.replace("Male", "M?"), "column Sex: 'M?'"), (TABLE.replace('"Sex"', '"Age2"'), "line 1")],
    ids=["value", "column"],
)
def test_cremad_refuses_a_table_that_says_something_else(table: str, named: str, tree: Tree) -> None:
    root = tree([CLIP])
    (root / "VideoDemographics.csv").write_text(table, encoding="utf-8")
    with pytest.raises(CorpusError) as fault:
        list(cremad.read(root))
    assert named in str(fault.value.got)


def test_cremad_levels_belong_to_one_sentence() -> None:
    names = [path.rpartition("/")[2][:-4].split("_") for path in cremad.DESIGN.paths]
    graded = {(sentence, emotion) for _, sentence, emotion, level in names if level != "XX"}
    assert graded == {("IEO", emotion) for emotion in cremad.LABELS if emotion != "NEU"}
    labels = Counter(emotion for _, _, emotion, _ in names)
    assert labels == dict.fromkeys(cremad.LABELS, 1271) | {"NEU": 1087}


def test_cremad_pointers_of_git_lfs_are_told_and_their_rows_stay(tree: Tree) -> None:
    root = tree([CLIP])
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 72862\n"
    (root / CLIP).write_text(pointer, encoding="ascii")
    assert only(cremad, root).id == "1001_DFA_ANG_XX"
    (fault,) = (fault for fault in faults(cremad, root) if fault.path == CLIP)
    assert "pointer of Git LFS" in fault.message
    assert "git lfs pull" in cremad.FACTS.access


def test_cremad_silent_clip_is_kept_and_told(tree: Tree) -> None:
    silent = "AudioWAV/1076_MTI_SAD_XX.wav"
    root = tree([CLIP], cremad)
    soundfile.write(root / silent, np.zeros(800, dtype=np.int16), 16_000)
    (fault,) = (fault for fault in faults(cremad, root) if fault.path == silent)
    assert fault.kind is FaultKind.SILENT
    (row,) = (one for one in cremad.read(root) if one.path == silent)
    assert "silent" in row.defect


# ---------------------------------------------------------------------------------------- eNTERFACE'05


@pytest.mark.parametrize(
    ("path", "said", "odd"),
    [
        ("subject 19/anger/sentence 4/s19_an_4", ("19", "an", "4"), False),
        ("subject 11/anger/sentence 1/s12_an_1", ("11", "an", "1"), True),
        ("subject 12/anger/sentence 1/s12_an_1", ("12", "an", "1"), False),
        ("subject 3/fear/sentence 5/s_3_fe_5", ("3", "fe", "5"), True),
        ("subject 3/fear/sentence 4/s3_fe_4", ("3", "fe", "4"), False),
        ("subject 16/surprise/sentence 3/s16_su_3avi", ("16", "su", "3"), True),
        ("subject 2/anger/sentence 1/s2_an_2", ("2", "an", "1"), True),
        ("subject 6/sadness/s6_sa", ("6", "sa", ""), True),
    ],
)
@pytest.mark.parametrize("suffix", ["avi", "wav"])
def test_enterface_believes_the_folders(
    path: str, said: tuple[str, ...], odd: bool, suffix: str, tree: Tree
) -> None:
    one = only(enterface, tree([f"eNTERFACE05/{path}.{suffix}"]))
    assert (one.id, one.path) == (path, f"eNTERFACE05/{path}.{suffix}")
    assert (one.speaker, one.label_raw, one.sentence) == said
    assert bool(one.defect) is odd


def test_enterface_without_folders_is_refused(tree: Tree) -> None:
    """A flat copy has room for one of the two subjects whose files are called s12."""
    with pytest.raises(CorpusError) as fault:
        list(enterface.read(tree(["s12_an_1.avi", "s19_an_4.avi"])))
    assert "subject 19/anger/sentence 4" in str(fault.value.wanted)


def test_enterface_counts_of_the_distribution(tree: Tree) -> None:
    found = list(enterface.read(tree(enterface.DESIGN.paths[:1])))
    assert Counter(one.label_raw for one in found) == dict.fromkeys(enterface.LABELS, 216) | {"ha": 213}
    assert len({one.id for one in found}) == 1293
    of_subject = Counter(one.speaker for one in found)
    assert (of_subject["6"], of_subject["23"], of_subject["11"], of_subject["12"]) == (6, 27, 30, 30)
