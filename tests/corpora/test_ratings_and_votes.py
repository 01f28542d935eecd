"""Numbers on scales and single votes, read from IEMOCAP's and MSP-Podcast's own files."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import soundfile

from harness.corpora import iemocap, load_corpus, msppodcast, read_names
from harness.errors import CorpusError
from harness.manifest import mapping_in


def test_iemocap_the_owners_sample_files(shared: Path) -> None:
    """Valence comes first: the angry turn is low in it and high in activation and dominance."""
    found = {turn.id: turn for turn in iemocap.read(shared / "reference/samples/iemocap")}
    angry = found["Ses01F_impro01_M001"]
    assert dict(angry.values) == {"valence": 1.5, "arousal": 4.0, "dominance": 4.5}
    assert dict(angry.ratings) == {"ang": 3.0, "dis": 1.0}  # C-M1 is the actor and is not counted
    assert dict(found["Ses01F_impro01_F000"].ratings) == {"neu": 3.0}
    assert dict(found["Ses01F_impro01_F001"].ratings) == {
        "ang": 1.0,
        "fru": 1.0,
        "neu": 1.0,
        "oth": 1.0,
        "sad": 1.0,
    }
    assert dict(found["Ses05M_script01_1b_F001"].values) == {"valence": 3.5, "arousal": 3.5, "dominance": 3.0}
    assert dict(found["Ses05M_script01_1b_F001"].ratings) == {"neu": 1.0, "sur": 2.0}


def test_iemocap_votes_belong_to_the_turn_above_them(iemocap_tree: ModuleType, tmp_path: Path) -> None:
    rows = iemocap_tree.invented_rows(turns_per_speaker=2)
    words = [
        "Anger",
        "Happiness",
        "Excited",
        "Sadness",
        "Frustration",
        "Fear",
        "Surprise",
        "Disgust",
        "Other",
    ]
    for number, row in enumerate(rows):
        row["vad"] = (1 + number % 5, 1 + number % 3, 2.3333)
        row["raters"] = {
            "E1": f"{words[number % 9]};",
            "E2": f"{words[number % 9]}; {words[(number + 1) % 9]};",
            "F3": "Neutral;",
        }
    found = {one.id: one for one in iemocap.read(iemocap_tree.build_iemocap_tree(tmp_path, rows))}
    for number, row in enumerate(rows):
        first, second = (iemocap.VOTED[words[(number + step) % 9].lower()] for step in (0, 1))
        assert dict(found[row["utt"]].ratings) == {first: 2.0, second: 1.0}
        assert tuple(found[row["utt"]].values.items()) == (
            ("valence", 1.0 + number % 5),
            ("arousal", 1.0 + number % 3),
            ("dominance", 2.3333),
        )


def test_iemocap_the_manifest_names_votes_as_the_field_does(iemocap_tree: ModuleType, tmp_path: Path) -> None:
    rows = iemocap_tree.invented_rows(turns_per_speaker=1)
    rows[0]["raters"] = {
        "E1": "Neutral state;",
        "E2": "Neutral; Excited;",
        "E4": "Bewildered;",
        "M1": "Fear;",
    }
    root = iemocap_tree.build_iemocap_tree(tmp_path, rows)
    for table in (load_corpus(iemocap, root, on_fault="skip").table, read_names(iemocap, root).table):
        row = table.set_index("id").loc[rows[0]["utt"]]
        assert mapping_in(row["ratings"]) == {"neutral": 2.0, "excitement": 1.0, "bewildered": 1.0}
        assert mapping_in(row["values"]) == {"valence": 2.5, "arousal": 2.0, "dominance": 3.5}


@pytest.mark.parametrize("means", ["", "2.5, 2.0", "a, b, c"])
def test_iemocap_a_head_without_three_numbers_has_no_values(
    iemocap_tree: ModuleType, tmp_path: Path, means: str
) -> None:
    rows = iemocap_tree.invented_rows(turns_per_speaker=1)
    root = iemocap_tree.build_iemocap_tree(tmp_path, rows)
    path = root / f"Session1/dialog/EmoEvaluation/{rows[0]['dialogue']}.txt"
    path.write_text(path.read_text().replace("[2.5000, 2.0000, 3.5000]", f"[{means}]", 1))
    found = {one.id: one for one in iemocap.read(root)}
    assert len(found) == len(rows)
    assert sorted(bool(one.values) for one in found.values()).count(False) == 1


def test_iemocap_every_turn_of_the_listing_is_rated(
    iemocap_tree: ModuleType, listing: Any, tmp_path: Path
) -> None:
    rows = listing("iemocap")
    iemocap_tree.write_annotations(tmp_path, rows)
    (tmp_path / "Session1/sentences/wav").mkdir(parents=True)
    turns = list(iemocap.read(tmp_path))
    assert len(turns) == 10_039
    assert all(set(turn.values) == {"valence", "arousal", "dominance"} for turn in turns)


# ------------------------------------------------------------------------------------------- MSP-Podcast

HEAD = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"
LINES = (
    "MSP-PODCAST_9001_0008.wav,N,2.4,4.2,3.0,9030,Male,Test1",
    "MSP-PODCAST_9002_0033.wav,H,4.8,5.6,4.25,Unknown,Unknown,Validation",
)
WORKERS = {
    "MSP-PODCAST_9001_0008.wav": ["Neutral", "Neutral", "Sad", "Other-calm", "Concerned"],
    "MSP-PODCAST_9002_0033.wav": ["Happy", "Surprise", "Angry", "Fear", "Disgust", "Contempt"],
}
VOTES = {
    "MSP-PODCAST_9001_0008": {"N": 2.0, "S": 1.0, "O": 2.0},
    "MSP-PODCAST_9002_0033": {"H": 1.0, "U": 1.0, "A": 1.0, "F": 1.0, "D": 1.0, "C": 1.0},
}


def msp(root: Path, detailed: str = "", text: str = "") -> Path:
    (root / "Labels").mkdir(parents=True)
    (root / "Audios").mkdir()
    (root / "Labels/labels_consensus.csv").write_text("\n".join([HEAD, *LINES, ""]), encoding="utf-8")
    if detailed:
        (root / "Labels" / detailed).write_text(text, encoding="utf-8")
    return root


def detailed_json() -> str:
    return json.dumps(
        {
            name: {
                f"WORKER{number:08d}": {
                    "EmoClass_Major": word,
                    "EmoClass_Second": f"{word},Calm",
                    "EmoAct": 4,
                    "EmoVal": 3,
                    "EmoDom": 5,
                }
                for number, word in enumerate(words)
            }
            for name, words in WORKERS.items()
        }
    )


def detailed_csv() -> str:
    lines = ["FileName,Workers,EmoClass_Major,EmoClass_Second,EmoAct,EmoVal,EmoDom,Gender"]
    lines += [
        f'{name},WORKER{number:08d},{word},"{word},Calm",4.0,3.0,5.0,Male'
        for name, words in WORKERS.items()
        for number, word in enumerate(words)
    ]
    return "\n".join(lines) + "\n"


def packed_csv() -> str:
    lines = ["FileName,EmoDetail"]
    lines += [
        f'{name},"WORKER{number:08d}; {word}; {word},Calm; A:4.000000; V:3.000000; D:5.000000;"'
        for name, words in WORKERS.items()
        for number, word in enumerate(words)
    ]
    return "\n".join(lines) + "\n"


FORMS = {
    "labels_detailed.json": detailed_json,
    "labels_detailed.csv": detailed_csv,
    "packed": packed_csv,
}


def test_msp_activation_is_arousal(tmp_path: Path) -> None:
    first, second = msppodcast.read(msp(tmp_path / "msp"))
    assert dict(first.values) == {"arousal": 2.4, "valence": 4.2, "dominance": 3.0}
    assert dict(second.values) == {"arousal": 4.8, "valence": 5.6, "dominance": 4.25}
    assert first.ratings == second.ratings == {}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_msp_votes_in_every_form(form: str, tmp_path: Path) -> None:
    name = "labels_detailed.csv" if form == "packed" else form
    root = msp(tmp_path / "msp", name, FORMS[form]())
    assert {one.id: dict(one.ratings) for one in msppodcast.read(root)} == VOTES
    row = read_names(msppodcast, root).table.set_index("id").loc["MSP-PODCAST_9001_0008"]
    assert mapping_in(row["ratings"]) == {"neutral": 2.0, "sadness": 1.0, "other": 2.0}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("labels_detailed.json", "{", "cannot be read"),
        ("labels_detailed.json", '{"a.wav": {"W": {}}}', "EmoClass_Major"),
        ("labels_detailed.json", '{"a.wav": 3}', "cannot be read"),
        ("labels_detailed.csv", "FileName,Votes\na.wav,3\n", "lacks the column EmoClass_Major"),
        ("labels_detailed.csv", "FileName,EmoDetail\na.wav,WORKER1\n", "line 2, column EmoDetail"),
    ],
)
def test_msp_votes_that_cannot_be_read_are_refused(
    name: str, text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match=message):
        list(msppodcast.read(msp(tmp_path / "msp", name, text)))


@pytest.mark.parametrize(
    ("cell", "left"), [("", {"valence", "dominance"}), ("nan", {"valence", "dominance"})]
)
def test_msp_what_is_not_rated_has_no_value(cell: str, left: set[str], tmp_path: Path) -> None:
    root = msp(tmp_path / "msp")
    path = root / "Labels/labels_consensus.csv"
    path.write_text(path.read_text().replace(",2.4,", f",{cell},"), encoding="utf-8")
    assert set(next(iter(msppodcast.read(root))).values) == left
    path.write_text(path.read_text().replace(f",N,{cell},", ",N,much,"), encoding="utf-8")
    with pytest.raises(CorpusError, match="line 2, column EmoAct"):
        list(msppodcast.read(root))


def test_the_sound_is_not_asked_for_votes(tmp_path: Path) -> None:
    """A manifest of sound carries values and votes too."""
    root = msp(tmp_path / "msp", "labels_detailed.json", detailed_json())
    for name in WORKERS:
        soundfile.write(root / "Audios" / name, [0.1, -0.1] * 1000, 16_000)
    table = load_corpus(msppodcast, root, on_fault="skip").table
    assert mapping_in(table["values"].iloc[0])["arousal"] == 2.4
    assert mapping_in(table["ratings"].iloc[1])["happiness"] == 1.0
