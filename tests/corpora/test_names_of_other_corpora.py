"""What is odd about the names of further corpora: read right, or reported for what it is."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from corpus_folders import by_id as rows
from corpus_folders import faults, loaded, only
from hypothesis import given
from hypothesis import strategies as st

from harness.corpora import ased, asvpesd, casia, cremad, emovdb, enterface, esd, mead, mesd, oreau, turevdb
from harness.corpora._folders import agreed, said_by_folder
from harness.errors import CorpusError
from harness.manifest import FaultKind

Tree = Callable[..., Path]


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
