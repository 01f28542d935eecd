"""Acted corpora told by their file names: copies in other layouts, foreign spellings, defects, mere parts."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from corpus_folders import by_id, loaded, rewrite, write_sound
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.corpora import (
    aesdd,
    cafe,
    check_corpus,
    emovo,
    jlcorpus,
    polish,
    ravdess_song,
    ravdess_speech,
    savee,
    subesco,
)
from harness.corpora._names import Design, holds, named_files
from harness.errors import CorpusError
from harness.manifest import FaultKind

DESIGNED: list[Any] = [aesdd, cafe, emovo, jlcorpus, polish, ravdess_song, ravdess_speech, savee, subesco]
LAID_OUT = pytest.mark.parametrize("module", DESIGNED, ids=lambda module: module.FACTS.name)


def faults_of(module: Any, root: Path) -> dict[str, FaultKind]:
    return {fault.path: fault.kind for fault in check_corpus(module, root).faults}


# ------------------------------------------------------------------------------------------------ every design


@LAID_OUT
def test_the_design_is_the_distribution(module: Any) -> None:
    paths = module.DESIGN.paths
    assert len(set(paths)) == len(paths) == module.FACTS.utterances


@pytest.mark.parametrize(
    ("module", "counts"),
    [
        (aesdd, {"a": 121, "d": 122, "f": 120, "h": 119, "s": 123}),
        (cafe, dict.fromkeys("CDJPST", 144) | {"N": 72}),
        (emovo, dict.fromkeys(emovo.LABELS, 84)),
        (jlcorpus, dict.fromkeys(jlcorpus.LABELS, 240)),
        (polish, dict.fromkeys("ans", 150)),
        (ravdess_song, dict.fromkeys(["02", "03", "04", "05", "06"], 184) | {"01": 92}),
        (ravdess_speech, dict.fromkeys(["02", "03", "04", "05", "06", "07", "08"], 192) | {"01": 96}),
        (savee, dict.fromkeys(["a", "d", "f", "h", "sa", "su"], 60) | {"n": 120}),
        (subesco, dict.fromkeys(subesco.LABELS, 1000)),
    ],
    ids=lambda value: value.FACTS.name if hasattr(value, "FACTS") else "",
)
def test_published_counts_of_labels(module: Any, counts: dict[str, int], lay: Callable[..., Path]) -> None:
    rows = list(module.read(lay(module.DESIGN.paths[:1])))
    assert Counter(one.label_raw for one in rows) == counts
    assert len({one.speaker for one in rows}) == module.FACTS.speakers


@LAID_OUT
def test_a_missing_file_is_named(module: Any, lay: Callable[..., Path]) -> None:
    paths = module.DESIGN.paths
    root = lay(paths[:-1])
    rows = list(module.read(root))
    assert len(rows) == len(paths)
    assert [one.path for one in rows if not (root / one.path).is_file()] == [paths[-1]]


@pytest.mark.parametrize(
    ("module", "part"),
    [
        (ravdess_speech, "Actor_01"),
        (savee, "AudioData"),
        (emovo, "f1"),
        (cafe, "Colère"),
        (cafe, "Colère/Faible"),
        (aesdd, "anger"),
    ],
    ids=lambda value: value.FACTS.name if hasattr(value, "FACTS") else value,
)
def test_a_folder_inside_is_answered_with_the_root(module: Any, part: str, lay: Callable[..., Path]) -> None:
    root = lay(module.DESIGN.paths)
    if part == "AudioData":  # it holds all of it
        assert len(by_id(module, root / part)) == module.FACTS.utterances
        return
    with pytest.raises(CorpusError, match="only a part") as fault:
        module.read(root / part)
    assert f"did you mean corpus.root={root} ?" in str(fault.value.next_step)


def test_a_speakers_folder_of_savee_names_nobody(lay: Callable[..., Path]) -> None:
    root = lay(savee.DESIGN.paths)
    with pytest.raises(CorpusError, match="is not the root of SAVEE") as fault:
        savee.read(root / "AudioData" / "DC")
    assert f"did you mean corpus.root={root / 'AudioData'} ?" in str(fault.value.next_step)


def test_a_deliberate_part_beside_the_whole_stays_a_part(lay: Callable[..., Path]) -> None:
    """Only a folder that has its place in the design is taken for a wrong root."""
    lay(emovo.DESIGN.paths)
    lay(["two women/f1/dis-f1-b1.wav"])
    root = lay([]) / "two women"
    assert [one.path for one in emovo.read(root) if (root / one.path).is_file()] == ["f1/dis-f1-b1.wav"]


@settings(max_examples=25)
@given(
    module=st.sampled_from(DESIGNED),
    picks=st.lists(st.integers(0, 449), min_size=1, max_size=5, unique=True),
    folders=st.lists(st.sampled_from(["Kaggle copy", "données", "x.wav"]), max_size=3),
    form=st.sampled_from(["NFC", "NFD"]),
)
def test_folders_around_a_file_do_not_change_its_row(
    module: Any, picks: list[int], folders: list[str], form: Any
) -> None:
    paths = [module.DESIGN.paths[pick] for pick in picks]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path in paths:
            place = root / unicodedata.normalize(form, "/".join([*folders, path]))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        moved = {one.id: one for one in module.read(root)}
        rows = [one for one in moved.values() if (root / one.path).is_file()]
    assert len(moved) == module.FACTS.utterances
    assert len(rows) == len(paths)
    assert {one.label_raw for one in rows} <= set(module.FACTS.labels)


def test_what_macos_leaves_behind_is_not_read(lay: Callable[..., Path]) -> None:
    names = [
        "f1/dis-f1-b1.wav",
        "f1/._dis-f1-b1.wav",
        "__MACOSX/f1/gio-f1-b1.wav",
        ".Trashes/f1/neu-f1-b1.wav",
    ]
    rows = [one.path for one in emovo.read(lay(names)) if (lay([]) / one.path).is_file()]
    assert rows == ["f1/dis-f1-b1.wav"]


# ------------------------------------------------------------------------------------------------ RAVDESS


def test_speech_and_song_in_the_same_folders_are_told_apart(lay: Callable[..., Path]) -> None:
    root = lay([*ravdess_speech.DESIGN.paths, *ravdess_song.DESIGN.paths])
    for module, channel in ((ravdess_speech, "01"), (ravdess_song, "02")):
        rows = list(module.read(root))
        assert len(rows) == module.FACTS.utterances
        assert {one.id.split("-")[1] for one in rows} == {channel}
    assert "18" not in {one.speaker for one in ravdess_song.read(root)}


def test_a_tree_that_holds_itself_again_is_read_once(lay: Callable[..., Path]) -> None:
    paths = ravdess_speech.DESIGN.paths
    root = lay([*paths, *(f"audio_speech_actors_01-24/{path}" for path in paths)])
    assert [one.path for one in ravdess_speech.read(root)] == list(paths)


def test_only_the_inner_tree_is_there(lay: Callable[..., Path]) -> None:
    paths = [f"audio_speech_actors_01-24/{path}" for path in ravdess_speech.DESIGN.paths]
    assert [one.path for one in ravdess_speech.read(lay(paths))] == paths


def test_ravdess_with_a_few_stereo_files_is_sound(lay: Callable[..., Path]) -> None:
    root = lay(ravdess_speech.DESIGN.paths, ravdess_speech)
    write_sound(root / ravdess_speech.DESIGN.paths[7], 48_000, channels=2)
    manifest = loaded(ravdess_speech, root)
    assert Counter(manifest.table["channels"]) == {1: 1439, 2: 1}
    assert manifest.faults == ()


def test_song_alone_is_not_speech(lay: Callable[..., Path]) -> None:
    root = lay(ravdess_song.DESIGN.paths[:3])
    with pytest.raises(CorpusError, match="is not the root of RAVDESS speech"):
        ravdess_speech.read(root)


# ------------------------------------------------------------------------------------------------ SAVEE


def test_the_flattened_savee_has_the_same_ids(lay: Callable[..., Path]) -> None:
    paths = savee.DESIGN.paths
    owners = lay(paths)
    flat = lay(["ALL/{}_{}".format(*path.split("/")[1:]) for path in paths], folder="flat")
    one, other = by_id(savee, owners), by_id(savee, flat)
    assert list(one) == list(other)
    assert other["JK_su03"].path == "ALL/JK_su03.wav"
    assert (other["JK_su03"].label_raw, other["JK_sa03"].label_raw) == ("su", "sa")


def test_capital_letters_do_not_hide_a_file(lay: Callable[..., Path]) -> None:
    found = by_id(savee, lay(["audiodata/dc/A01.WAV"]))
    assert (found["DC_a01"].path, found["DC_a01"].label_raw) == ("audiodata/dc/A01.WAV", "a")


# ------------------------------------------------------------------------------------------------ CaFE


def mojibake(path: str) -> str:
    """What a name in code page 850 looks like when read as Windows-1252."""
    return path.encode("cp850").decode("cp1252")


@pytest.mark.parametrize(
    "written",
    [mojibake, lambda path: unicodedata.normalize("NFD", path), lambda path: f"CaFE_48k/{path}"],
    ids=["mojibake", "NFD", "one folder more"],
)
def test_cafe_is_read_whatever_its_folders_are_called(
    written: Callable[[str], str], lay: Callable[..., Path]
) -> None:
    paths = cafe.DESIGN.paths
    found = list(cafe.read(lay(map(written, paths))))
    assert [one.path for one in found] == [written(path) for path in paths]
    assert [one.id for one in found] == [path.rpartition("/")[2][:-4] for path in paths]


def test_the_folder_of_another_emotion_does_not_count(lay: Callable[..., Path]) -> None:
    root = lay(["Surprise/Fort/03-T-2-4.wav"])
    one = by_id(cafe, root)["03-T-2-4"]
    assert (one.path, cafe.FACTS.labels[one.label_raw]) == ("Surprise/Fort/03-T-2-4.wav", "sadness")


def test_names_in_bytes_of_another_code_are_refused_with_a_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "Col\udc8are"  # how Python shows the byte 0x8A, è in code page 850
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    (folder / "01-C-1-1.wav").touch()
    with pytest.raises(CorpusError, match="not written in UTF-8") as fault:
        cafe.read(tmp_path)
    assert "CP850" in str(fault.value.next_step)
    str(fault.value).encode()


def test_the_aiff_files_of_the_192_khz_archive(lay: Callable[..., Path], tmp_path: Path) -> None:
    root = lay(["Joie/Fort/01-J-2-1.aif"])
    (root / "Joie/Fort/01-J-2-1.aif").unlink()
    noise = np.random.default_rng(1).standard_normal(19_200) / 9
    soundfile.write(root / "Joie/Fort/01-J-2-1.aif", noise, 192_000, format="AIFF", subtype="PCM_24")
    assert "Joie/Fort/01-J-2-1.aif" not in faults_of(cafe, root)
    assert by_id(cafe, root)["01-J-2-1"].path == "Joie/Fort/01-J-2-1.aif"


# ------------------------------------------------------------------------------------------------ SUBESCO


@pytest.mark.parametrize("bracket", ["]", ""])
def test_the_stray_bracket_is_read_and_its_mended_name_too(bracket: str, lay: Callable[..., Path]) -> None:
    path = f"SUBESCO/F_02_MONIKA_S_2_SURPRISE_3{bracket}.wav"
    one = by_id(subesco, lay([path]))["F_02_MONIKA_S_2_SURPRISE_3]"]
    assert (one.path, one.label_raw, one.sentence) == (path, "SURPRISE", "2")
    assert one.defect


def test_a_number_is_one_woman_and_one_man(lay: Callable[..., Path]) -> None:
    rows = list(subesco.read(lay(subesco.DESIGN.paths[:1])))
    genders = {one.speaker: one.gender for one in rows}
    assert (genders["F_02"], genders["M_02"]) == ("female", "male")
    assert Counter(genders.values()) == {"female": 10, "male": 10}


# ------------------------------------------------------------------------------------------------ AESDD


@pytest.mark.parametrize("state", ["no data", "absent"])
def test_the_file_without_sound_does_not_stop_a_run(state: str, lay: Callable[..., Path]) -> None:
    root = lay(aesdd.DESIGN.paths, aesdd)
    broken = root / "sadness/s05 (3).wav"
    if state == "absent":
        broken.unlink()
    else:
        rewrite(broken, broken.read_bytes()[:36])
    manifest = loaded(aesdd, root)
    assert len(manifest) == 604
    assert manifest.dropped == {"known defect": 1}
    assert [(fault.path, fault.kind) for fault in manifest.faults] == [
        ("sadness/s05 (3).wav", FaultKind.KNOWN_DEFECT)
    ]
    assert set(manifest.table["gender"]) == {""}


def test_another_file_without_sound_stops(lay: Callable[..., Path]) -> None:
    root = lay(aesdd.DESIGN.paths, aesdd)
    rewrite(root / "sadness/s05 (4).wav", b"RIFF")
    with pytest.raises(CorpusError, match="unreadable"):
        loaded(aesdd, root)


def test_speaker_one_may_have_two_digits(lay: Callable[..., Path]) -> None:
    found = by_id(aesdd, lay(["disgust/d03 (1).wav", "fear/f09 (01).wav", "anger/a01 (2).wav"]))
    assert (found["d03 (01)"].path, found["d03 (01)"].speaker) == ("disgust/d03 (1).wav", "1")
    assert (found["f09 (1)"].path, found["f09 (1)"].speaker) == ("fear/f09 (01).wav", "1")


def test_two_takes_are_two_utterances(lay: Callable[..., Path]) -> None:
    ids = set(by_id(aesdd, lay(["anger/a01 (2).wav"])))
    assert {"s01 (5)a", "s01 (5)b", "a06 (5)", "a06 (5)b"} <= ids
    assert not {"s01 (5)", "d18 (5)", "f02 (4)", "h11 (3)"} & ids


# ------------------------------------------------------------------------------------------------ EMOVO, JL, names


@pytest.mark.parametrize(("channels", "kind"), [(2, None), (1, None), (3, FaultKind.WRONG_CHANNELS)])
def test_emovo_is_stereo_and_copies_are_mono(
    channels: int, kind: FaultKind | None, lay: Callable[..., Path]
) -> None:
    root = lay(["f1/dis-f1-b1.wav"])
    write_sound(root / "f1/dis-f1-b1.wav", 48_000, channels)
    assert faults_of(emovo, root).get("f1/dis-f1-b1.wav") is kind


def test_male_is_a_part_of_female(lay: Callable[..., Path]) -> None:
    root = lay([f"{jlcorpus.FOLDER}/male2_concerned_6b_1.wav"])
    (root / jlcorpus.FOLDER / "male2_concerned_6b_1.txt").write_text("Jack views\nan art piece.\n")
    found = by_id(jlcorpus, root)
    assert Counter(one.gender for one in found.values()) == {"female": 1200, "male": 1200}
    assert found["male2_concerned_6b_1"].text == "Jack views an art piece."
    assert (found["male2_concerned_6b_1"].speaker, found["female2_sad_1a_2"].speaker) == ("male2", "female2")


def test_strach_is_fear(lay: Callable[..., Path]) -> None:
    one = by_id(polish, lay(["m1.s_nie_2.wav"]))["m1.s_nie_2"]
    assert (polish.FACTS.labels[one.label_raw], one.text, one.gender) == ("fear", "nie", "male")


def test_a_link_back_to_the_root_does_not_go_round(lay: Callable[..., Path]) -> None:
    root = lay(["f1/dis-f1-b1.wav"])
    (root / "f1" / "again").symlink_to(root)
    (root / "itself").symlink_to("itself")
    assert len(named_files(root, emovo.DESIGN.pattern)) == 1


def test_files_behind_a_link_to_a_folder_are_found(lay: Callable[..., Path], tmp_path: Path) -> None:
    lay(["f1/dis-f1-b1.wav"], folder="elsewhere")
    root = lay([])
    (root / "f1").symlink_to(tmp_path / "elsewhere" / "f1")
    assert [file.path for file in named_files(root, emovo.DESIGN.pattern)] == ["f1/dis-f1-b1.wav"]


def test_a_decomposed_name_fits_a_composed_pattern(lay: Callable[..., Path]) -> None:
    root = lay([unicodedata.normalize("NFD", "Dégoût/été.wav")])
    (file,) = named_files(root, re.compile(r"Dégoût/(?P<word>été)\.wav"))
    assert (file.fields["word"], file.stem) == ("été", "été")
    assert (root / file.path).is_file()


def test_a_large_folder_nearby_is_given_up(lay: Callable[..., Path]) -> None:
    root = lay([*(f"photos/{number}.wav" for number in range(50)), "photos/deep/f1/dis-f1-b1.wav"])
    assert holds(root, emovo.DESIGN.pattern)
    assert not holds(root, emovo.DESIGN.pattern, most=20)


def test_a_design_that_does_not_fit_its_own_pattern_is_a_defect(tmp_path: Path) -> None:
    design = Design(emovo.DESIGN.pattern, ("f1/never.wav",))
    with pytest.raises(ValueError, match="does not fit"):
        named_files(tmp_path, design.pattern, design.paths)
