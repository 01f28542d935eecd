"""What is odd about the names of eleven further corpora: read right, or reported for what it is."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from harness.contracts import Utterance
from harness.corpora import (
    OnFault,
    ased,
    asvpesd,
    casia,
    check_corpus,
    cremad,
    emovdb,
    enterface,
    esd,
    load_corpus,
    mead,
    mesd,
    oreau,
    turevdb,
)
from harness.corpora._esd_text import decoded, read_texts
from harness.corpora._folders import agreed, said_by_folder
from harness.errors import CorpusError
from harness.manifest import Fault, FaultKind, Manifest

Tree = Callable[..., Path]


@pytest.fixture
def tree(listing_trees: ModuleType, tmp_path: Path) -> Tree:
    """A folder with files of these names: empty, or a tiny sound in the format of a corpus."""

    def made(names: Iterable[str], corpus: Any = None) -> Path:
        sound = None if corpus is None else listing_trees.tiny_sound(tmp_path / "tiny.wav", corpus.FACTS)
        (tmp_path / "copy").mkdir()
        listing_trees.link_all(tmp_path / "copy", names, sound)
        return tmp_path / "copy"

    return made


def rows(corpus: Any, root: Path) -> dict[str, Utterance]:
    return {one.id: one for one in corpus.read(root)}


def only(corpus: Any, root: Path) -> Utterance:
    """The one row whose file is there."""
    here: list[Utterance] = [one for one in corpus.read(root) if (root / one.path).is_file()]
    (found,) = here
    return found


def loaded(corpus: Any, root: Path, on_fault: OnFault = "stop") -> Manifest:
    return load_corpus(corpus, root, on_fault)


def faults(corpus: Any, root: Path) -> tuple[Fault, ...]:
    return check_corpus(corpus, root).faults


def stopping(corpus: Any, root: Path) -> Counter[FaultKind]:
    """Faults of single files that stop a run, by kind; what is missing of the whole corpus left aside."""
    kinds = [fault.kind for fault in faults(corpus, root) if not fault.kind.warns_only]
    return Counter(kind for kind in kinds if kind not in {FaultKind.MISSING, FaultKind.COUNT})


# ------------------------------------------------------------------------------------------- designs


@pytest.mark.parametrize("corpus", [cremad, casia, esd, enterface], ids=lambda module: module.FACTS.name)
def test_a_design_holds_what_the_facts_say(corpus: Any) -> None:
    assert len(set(corpus.DESIGN.paths)) == len(corpus.DESIGN.paths) == corpus.FACTS.utterances


@pytest.mark.parametrize("corpus", [cremad, casia, esd, enterface], ids=lambda module: module.FACTS.name)
def test_a_missing_file_is_reported_by_name(corpus: Any, tree: Tree) -> None:
    kept = corpus.DESIGN.paths[0]
    root = tree([kept])
    missing = [one.path for one in corpus.read(root) if not (root / one.path).is_file()]
    assert sorted([kept, *missing]) == sorted(corpus.DESIGN.paths)


@pytest.mark.parametrize(
    ("corpus", "name", "part"),
    [
        (ased, "05Angry/a5-02-01-01-33.wav", "05Angry"),
        (asvpesd, "Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav", "Audio"),
        (turevdb, "Sound Source/Angry/1157_kz_acik.wav", "Sound Source/Angry"),
        (casia, "wangzhe/neutral/239.wav", "wangzhe"),
        (esd, "0001/Neutral/0001_000001.wav", "0001"),
        (enterface, "subject 19/anger/sentence 4/s19_an_4.avi", "subject 19"),
        (mead, "M003/audio/angry/level_1/001.m4a", "M003"),
        (emovdb, "bea_Amused/amused_57-84_0057.wav", "bea_Amused"),
    ],
    ids=lambda value: value.FACTS.name if hasattr(value, "FACTS") else None,
)
def test_a_part_of_a_corpus_is_not_taken_for_the_whole(corpus: Any, name: str, part: str, tree: Tree) -> None:
    beside = {
        ased: "04Sad/s4-02-01-01-33.wav",
        asvpesd: "Bonus/actor_101/03-02-04-02-23-101-04-01-00-14-02.wav",
        turevdb: "Sound Source/Sad/1157_hl_acik.wav",
        casia: "liuchanhg/neutral/239.wav",
        esd: "0002/Neutral/0002_000001.wav",
        enterface: "subject 20/anger/sentence 4/s20_an_4.avi",
        mead: "W009/audio/angry/level_1/001.m4a",
        emovdb: "sam_Amused/amused_57-84_0057.wav",
    }[corpus]
    root = tree([name, beside])
    with pytest.raises(CorpusError) as fault:
        list(corpus.read(root / part))
    assert f"corpus.root={(root / part).parent} ?" in str(fault.value.next_step)


# ------------------------------------------------------------------------------- folders and names


@given(st.sampled_from(["Sad", "Calm"]), st.sampled_from(["", "Sad", "Calm"]))
def test_a_name_and_a_folder_agree_or_give_a_label_that_nobody_knows(name: str, folder: str) -> None:
    label = agreed(name, folder)
    assert label == name if folder in {"", name} else label not in {"Sad", "Calm"}


def test_the_nearest_folder_speaks_in_any_unicode_form() -> None:
    meanings = {"colère": "C", "joie": "J"}
    assert said_by_folder(unicodedata.normalize("NFD", "Joie/COLÈRE/x.wav"), meanings) == "C"
    assert said_by_folder("joie.wav", meanings) == ""


@pytest.mark.parametrize(
    ("corpus", "good", "bad", "both"),
    [
        (turevdb, "Calm/1157_sk_acik.wav", "Sad/1157_sk_algi.wav", "Calm by its name, Sad by its folder"),
        (ased, "05Angry/a5-02-01-01-33.wav", "04Sad/a5-02-01-01-34.wav", "a by its name, s by its folder"),
        (ased, "05Angry/a5-02-01-01-33.wav", "05Angry/a4-02-01-01-34.wav", "a by its name, s by its folder"),
        (oreau, "f/sessj/10a02Ja.wav", "f/sesst/10a03Ja.wav", "J by its name, T by its folder"),
        (
            emovdb,
            "bea_Angry/anger_1-28_0001.wav",
            "bea_Angry/amused_1-28_0002.wav",
            "Amused by its name, Angry by its folder",
        ),
        (
            esd,
            "0001/Neutral/0001_000001.wav",
            "0001/Sad/0001_000002.wav",
            "Neutral by its name, Sad by its folder",
        ),
    ],
    ids=["turevdb", "ased folder", "ased number", "oreau", "emovdb", "esd"],
)
def test_a_clip_in_the_folder_of_another_emotion_says_both(
    corpus: Any, good: str, bad: str, both: str, tree: Tree
) -> None:
    found = {one.path: one.label_raw for one in corpus.read(tree([good, bad]))}
    assert found[good] in corpus.FACTS.labels
    assert found[bad] == both
    assert both not in corpus.FACTS.labels


def test_a_contradictory_clip_stops_by_name_or_stays_without_a_label(tree: Tree) -> None:
    root = tree(["Calm/1157_sk_acik.wav", "Sad/1157_sk_algi.wav"], turevdb)
    unknown = [one for one in faults(turevdb, root) if one.kind is FaultKind.UNKNOWN_LABEL]
    assert [fault.path for fault in unknown] == ["Sad/1157_sk_algi.wav"]
    assert "Calm by its name, Sad by its folder" in unknown[0].message
    table = loaded(turevdb, root, on_fault="skip").table
    assert dict(zip(table["id"], table["label"], strict=True)) == {"1157_sk_acik": "calm", "1157_sk_algi": ""}


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


# ---------------------------------------------------------------------------- ASED, ASVP-ESD, TurEV


def test_ased_capital_letter_means_the_same_emotion(tree: Tree) -> None:
    found = rows(ased, tree(["04Sad/S4-04-02-01-29.wav", "04Sad/s4-04-02-01-30.wav"]))
    assert found["S4-04-02-01-29"].label_raw == "S"
    assert found["S4-04-02-01-29"].defect
    assert ased.FACTS.labels["S"] == ased.FACTS.labels["s"] == "sadness"
    assert {one.gender for one in found.values()} == {"female"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Audio/actor_36/03-01-09-01-06-36-02-02-01-39", ("36", "excitement", "male", "und")),
        ("Audio/actor_/03-02-13-01-01-53-02-02-02", ("53", "breath", "female", "zxx")),
        ("Audio/actor_1/03-02-04-01-01-01-02-02", ("01", "sadness", "female", "zxx")),
        ("Bonus/actor_102/03-02-04-02-23-102-04-01-00-14 -03", ("102", "sadness", "male", "zxx")),
        ("Bonus/actor_102/03-02-04-021-23-102-04-01-00-14-02-03", ("102", "sadness", "male", "zxx")),
        ("Audio/actor_8/03-01-17-01-01-08-02-02-02-10", ("08", "unknown", "male", "und")),
    ],
)
def test_asvpesd_names_of_eight_to_twelve_fields(name: str, said: tuple[str, ...], tree: Tree) -> None:
    one = only(asvpesd, tree([f"{name}.wav"]))
    assert (one.id, one.path) == (name.rpartition("/")[2], f"{name}.wav")
    assert (one.speaker, asvpesd.FACTS.labels[one.label_raw], one.gender, one.language) == said


@pytest.mark.parametrize("name", ["03-01-06-01-02-01-12.wav", "03-01-06-01-02-01-1-2-3-4-5-6-7.wav"])
def test_asvpesd_does_not_take_ravdess_or_longer_names_for_its_own(name: str, tree: Tree) -> None:
    with pytest.raises(CorpusError, match="not the root of ASVP-ESD"):
        list(asvpesd.read(tree([name])))


def test_asvpesd_of_another_release_is_told_and_does_not_stop(tree: Tree) -> None:
    root = tree(["Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav"], asvpesd)
    told = faults(asvpesd, root)
    assert {fault.kind for fault in told} == {FaultKind.OTHER_RELEASE}
    assert all("13,964" in fault.message for fault in told)
    assert len(loaded(asvpesd, root)) == 1


def test_turevdb_calm_is_a_class_of_its_own_and_takes_are_one_word(tree: Tree) -> None:
    root = tree(["Calm/1157_sk_ogul.wav", "Sad/7895_hl_ogul.wav", "Sad/7895_hl_ogul1.wav"])
    found = rows(turevdb, root)
    assert turevdb.FACTS.labels[found["1157_sk_ogul"].label_raw] == "calm"
    assert {one.sentence for one in found.values()} == {"ogul"}
    assert [one.id for one in found.values() if one.defect] == ["7895_hl_ogul1"]
    assert "neutral" not in turevdb.FACTS.labels.values()


# ---------------------------------------------------------------------------------------- CASIA, MESD


def test_casia_numbers_are_told_apart_by_speaker_and_emotion(tree: Tree) -> None:
    names = [f"CASIA/{one.title()}/{emotion}/239.wav" for one in casia.SPEAKERS for emotion in casia.LABELS]
    root = tree([*names, "CASIA/wangzhe/neutral/500.wav"])
    here = [one for one in casia.read(root) if (root / one.path).is_file()]
    assert {one.id for one in here} == {
        f"239-{one}-{emotion}" for one in casia.SPEAKERS for emotion in casia.LABELS
    }
    assert {one.sentence for one in here} == {"239"}
    assert {one.gender for one in here} == {""}


MESD = "Mexican Emotional Speech Database (MESD)"


def test_mesd_in_its_archive_folder_twice_over_keeps_ids(tree: Tree) -> None:
    root = tree(["Anger_F_A_tarde.wav", f"{MESD}/Anger_F_A_tarde.wav", f"{MESD}/Fear_C_A_basta_ya.wav"])
    found = rows(mesd, root)
    assert set(found) == {"Anger_F_A_tarde", "Fear_C_A_basta_ya"}
    assert found["Fear_C_A_basta_ya"].text == "basta ya"


def test_mesd_voices_are_no_speakers(tree: Tree) -> None:
    found = rows(mesd, tree([f"Anger_{voice}_A_tarde.wav" for voice in "FMC"]))
    assert {one.speaker for one in found.values()} == {""}
    assert [found[f"Anger_{voice}_A_tarde"].gender for voice in "FMC"] == ["female", "male", ""]
    assert mesd.FACTS.speakers == 0


@pytest.mark.parametrize("written", ["lento_dentro", "lento dentro"])
def test_mesd_odd_words_are_read_and_told(written: str, tree: Tree) -> None:
    root = tree([f"Happiness_C_A_{written}.wav", "Sadness_F_A_afuera.wav", "Sadness_F_B_tristeza.wav"])
    found = rows(mesd, root)
    assert found["Happiness_C_A_lento_dentro"].text == "lento dentro"
    assert [bool(one.defect) for one in found.values()] == [True, True, False]


# -------------------------------------------------------------------------------------------- EmoV-DB


def test_emovdb_keeps_both_recordings_of_a_sentence(tree: Tree) -> None:
    names = [
        "bea_Neutral/Neutral_1-28_0014",
        "bea_Neutral/neutral_113-140_0014",
        "bea_Neutral/neutral_113_140_0115",
        "sam_Disgusted/Disgust_1-28_0001",
        "sam_Disgusted/disgust_29-56_0029",
    ]
    found = rows(emovdb, tree([f"{name}.wav" for name in names]))
    assert sorted(found) == sorted(names)
    assert [name for name in names if found[name].defect] == names[:2]
    assert {one.label_raw for one in found.values()} == {"Neutral", "Disgust"}
    assert [found[name].sentence for name in names] == ["0014", "0014", "0115", "0001", "0029"]


def test_emovdb_archives_unpacked_into_one_folder_are_refused(tree: Tree) -> None:
    """Without the folder nobody can tell whose voice it is."""
    with pytest.raises(CorpusError) as fault:
        list(emovdb.read(tree(["amused_57-84_0057.wav"])))
    assert "each archive in a folder of its name" in str(fault.value.wanted)


def test_emovdb_archives_are_eighteen_and_unpack_beside_each_other() -> None:
    folders = [download.folder for download in emovdb.FACTS.downloads]
    assert len(set(folders)) == 18
    assert not {"josh_Angry", "josh_Disgusted"} & set(folders)


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


# ----------------------------------------------------------------------------------------- MEAD, Oréau


@pytest.mark.parametrize("path", ["M003/audio/{}", "M003/{}", "MEAD/M003/audio/{}"])
def test_mead_with_and_without_the_folder_of_the_sound(path: str, tree: Tree) -> None:
    one = only(mead, tree([path.format("disgusted/level_2/001.m4a")]))
    assert (one.id, one.speaker, one.gender) == ("M003_disgusted_level_2_001", "M003", "male")
    assert (one.label_raw, one.sentence) == ("disgusted", "001")


def test_mead_neutral_has_one_level_and_lists_spell_disgust(tree: Tree) -> None:
    names = ["neutral/level_1/001", "neutral/level_2/001", "disgust/level_1/001", "surprised/level_3/001"]
    found = rows(mead, tree([f"W009/audio/{name}.m4a" for name in names]))
    assert set(found) == {
        "W009_neutral_level_1_001",
        "W009_disgusted_level_1_001",
        "W009_surprised_level_3_001",
    }
    assert {one.gender for one in found.values()} == {"female"}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_oreau_folder_in_either_unicode_form(form: Any, tree: Tree) -> None:
    root = tree([unicodedata.normalize(form, "OréauFR_02/f/sessj/10a02Ja.wav")], oreau)
    one = only(oreau, root)
    assert (one.id, one.speaker, one.gender, one.sentence) == ("10a02Ja", "10", "female", "a02")
    assert oreau.FACTS.labels[one.label_raw] == "happiness"
    table = loaded(oreau, root, on_fault="skip").table
    assert list(table["id"]) == ["10a02Ja"]


def test_oreau_version_1_beside_version_2_is_left_alone(tree: Tree) -> None:
    names = ["f/sessj/10a02Ja.wav", "m/sessj/20a02Ja.wav"]
    root = tree([f"OréauFR_01/{name}" for name in names] + [f"OréauFR_02/{names[1]}"])
    assert [(one.path, one.gender) for one in oreau.read(root)] == [(f"OréauFR_02/{names[1]}", "male")]
    assert [one.path for one in oreau.read(root / "OréauFR_02")] == [names[1]]
    with pytest.raises(CorpusError, match="version 1"):
        list(oreau.read(root / "OréauFR_01"))


def test_oreau_version_1_alone_is_refused(tree: Tree) -> None:
    with pytest.raises(CorpusError, match="version 1") as fault:
        list(oreau.read(tree(["OréauFR_01/f/sessj/10a02Ja.wav"])))
    assert "zenodo.org/records/4405783" in str(fault.value.next_step)


# ------------------------------------------------------------------------------------------------ ESD


@pytest.mark.parametrize(
    ("folder", "part"), [("", ""), ("train/", "train"), ("evaluation/", "dev"), ("test/", "test")]
)
def test_esd_official_parts_are_read_where_a_copy_has_them(folder: str, part: str, tree: Tree) -> None:
    one = only(esd, tree([f"Emotion Speech Dataset/0011/Angry/{folder}0011_000351.wav"]))
    assert (one.id, one.split, one.language, one.gender) == ("0011_000351", part, "en", "male")
    assert (one.label_raw, one.sentence) == ("Angry", "en001")


def test_esd_parallel_sentences_have_one_code_per_language(tree: Tree) -> None:
    found = rows(esd, tree(["0001/Neutral/0001_000001.wav"]))
    assert {found[name].sentence for name in ("0001_000007", "0003_000357", "0010_001407")} == {"zh007"}
    assert found["0011_000007"].sentence == "en007"
    speakers = Counter(one.sentence for one in found.values())
    assert len(speakers) == 700
    assert set(speakers.values()) == {50}


MANDARIN, ENGLISH = "编造的句子。", "Invented, café."
LINES = {"zh": f"0001_000001\t{MANDARIN}\t中立\n", "en": f"0011_000001\t{ENGLISH}\tNeutral\n"}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *(
            ("zh", name)
            for name in ("gb2312", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig")
        ),
        *(("en", name) for name in ("latin-1", "utf-16", "utf-16-le", "utf-8", "utf-8-sig")),
    ],
)
def test_esd_texts_in_every_encoding_of_the_owners(language: str, encoding: str, tmp_path: Path) -> None:
    clip = LINES[language][:11]
    (tmp_path / f"{clip[:4]}.txt").write_bytes(LINES[language].encode(encoding))
    texts = read_texts(tmp_path, [(clip[:4], language)])
    assert texts == {clip: MANDARIN if language == "zh" else ENGLISH}


def test_esd_english_with_chinese_quotation_marks_is_gb_2312() -> None:
    said = "0011_000001\tIt “is” invented…\tNeutral"
    assert decoded(said.encode("gb2312"), "en") == said
    assert decoded(said.encode("cp1252"), "en") == said


@given(st.binary(max_size=400), st.sampled_from(["zh", "en"]))
def test_esd_text_of_any_bytes_is_decoded_without_complaint(content: bytes, language: str) -> None:
    assert isinstance(decoded(content, language), str)


@given(st.lists(st.text(max_size=60), max_size=8))
def test_esd_lines_of_any_kind_never_stop_and_never_invent_a_clip(lines: list[str]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        (Path(folder) / "0011.txt").write_text("\n".join(lines), encoding="utf-8", errors="replace")
        texts = read_texts(Path(folder), [("0011", "en")])
    assert all(re.fullmatch(r"\d{4}_\d{6}", clip, re.ASCII) for clip in texts)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("0011_000001\tInvented sentence.\tNeutral", "Invented sentence."),
        ("0011_000001 Invented sentence. Neutral", "Invented sentence."),
        ("0011_000001\tInvented sentence.", "Invented sentence."),
        ("0011_000001\tInvented sentence.\tneutral \t", "Invented sentence."),
        ("  0011_000001\t\tInvented sentence.\t\tNeutral", "Invented sentence."),
        ("0011_000001\tHow sad\tNeutral", "How sad"),
        ("0011_000001\tIt’s “so” sad\tSad", "It’s “so” sad"),
        ("0011_000001\tInvented\x85 sentence.\tNeutral", "Invented\x85 sentence."),
        ("0011_000001Invented sentence.\tNeutral", "Invented sentence."),
        ("0011_0000012\tInvented sentence.\tNeutral", None),
        ("0011_000001\t\tNeutral", None),
        ("0011_000001", None),
        ("Invented sentence.\tNeutral", None),
        ("", None),
    ],
)
def test_esd_malformed_lines_cost_a_text_at_most(
    line: str, text: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "0011.txt").write_text(f"{line}\n0011_000002\tAnother.\tNeutral\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        texts = read_texts(tmp_path, [("0011", "en")])
    wanted = {} if text is None else {"0011_000001": text}
    assert texts == wanted | {"0011_000002": "Another."}
    assert ("1 lines" in caplog.text) is (text is None and line != "")


def test_esd_samples_of_the_true_format(shared: Path, tree: Tree) -> None:
    texts = read_texts(shared / "reference" / "samples" / "esd", [("0001", "zh"), ("0011", "en")])
    assert set(texts) == {"0001_000001", "0001_000351", "0011_000001", "0011_000351"}
    assert texts["0011_000351"] == "Invented sentence."
    assert texts["0001_000001"].endswith("。")


# ------------------------------------------------------------------------------------- macOS leftovers


@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        (ased, "05Angry/a5-02-01-01-33.wav"),
        (asvpesd, "Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav"),
        (mesd, "Anger_F_A_tarde.wav"),
        (turevdb, "Sound Source/Angry/1157_kz_acik.wav"),
        (emovdb, "bea_Amused/amused_57-84_0057.wav"),
    ],
    ids=lambda value: value.FACTS.name if hasattr(value, "FACTS") else None,
)
def test_leftovers_of_macos_are_no_clips(corpus: Any, name: str, tree: Tree) -> None:
    folder, _, base = name.rpartition("/")
    root = tree([name, f"__MACOSX/{name}", f"{folder}/._{base}".lstrip("/")], corpus)
    assert [one.path for one in corpus.read(root)] == [name]
    assert not stopping(corpus, root)
