"""Targets that are no class: numbers on scales, and shares of raters, from votes or from EMO-SUPERB's files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError, LabelError
from harness.manifest import mapping_text
from harness.tasks import dimensions, soft_labels
from harness.tasks._emo_superb import read_shares
from harness.tasks._shares import largest, shares_of


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    plain = {"corpus": "c", "label": "", "label_raw": "", "speaker": "v", "session": "1", "split": ""}
    return pd.DataFrame(
        [
            {
                **plain,
                "id": f"u{number}",
                "path": f"wav/u{number}.wav",
                "duration_s": 1.0,
                "values": mapping_text(row.get("values", {})),
                "ratings": mapping_text(row.get("ratings", {})),
            }
            for number, row in enumerate(rows)
        ]
    )


RATED = {"arousal": 4.0, "valence": 1.5, "dominance": 4.5}


def test_values_come_in_the_order_of_the_names() -> None:
    rows = table([{"values": RATED}, {"values": {"valence": 2.0, "arousal": 1.0}}, {}])
    found = dimensions.examples(rows, dimensions.Config(names=["valence", "arousal"]))
    assert [one.values for one in found.examples] == [(1.5, 4.0), (2.0, 1.0)]
    assert [one.target for one in found.examples] == ["", ""]
    assert (found.kind, found.classes) == ("scales", ("valence", "arousal"))
    assert found.dropped == {"no valence, arousal": 1}
    whole = dimensions.examples(rows, dimensions.Config())
    assert [one.id for one in whole.examples] == ["u0"]
    assert whole.dropped == {"no arousal, valence, dominance": 1, "no dominance": 1}


def test_scales_that_nobody_rated_are_named_with_those_there_are() -> None:
    with pytest.raises(
        LabelError, match=r"nobody has rated dominance(?s:.)*1 arousal, 1 valence(?s:.)*\[arousal,valence\]"
    ):
        dimensions.examples(table([{"values": {"arousal": 1.0, "valence": 2.0}}, {}]), dimensions.Config())
    with pytest.raises(LabelError, match="no utterance has all scales"):
        dimensions.examples(
            table([{"values": {"arousal": 1.0}}, {"values": {"valence": 2.0}}]),
            dimensions.Config(names=["arousal", "valence"]),
        )
    with pytest.raises(LabelError, match="none is rated on any scale"):
        dimensions.examples(table([{}]), dimensions.Config())


@pytest.mark.parametrize("names", [[], ["arousal", "arousal"], [""]])
def test_names_have_to_be_different(names: list[str]) -> None:
    with pytest.raises(ConfigError, match="each once"):
        dimensions.examples(table([{"values": RATED}]), dimensions.Config(names=names))


# ------------------------------------------------------------------------------------------- soft labels

VOTES = [
    {"ratings": {"anger": 2.0, "sadness": 1.0}},
    {"ratings": {"sadness": 1.0, "anger": 1.0}},
    {"ratings": {"other": 2.0, "joy": 1.0}},
    {},
    {"ratings": {"other": 1.0}},
]


def test_votes_become_shares() -> None:
    found = soft_labels.examples(table(VOTES), soft_labels.Config(drop=["other"]))
    assert (found.kind, found.classes) == ("shares", ("anger", "joy", "sadness"))
    assert [one.values for one in found.examples] == [
        (pytest.approx(2 / 3), 0, pytest.approx(1 / 3)),
        (0.5, 0, 0.5),
        (0, 1, 0),
    ]
    assert [one.target for one in found.examples] == ["anger", "anger", "joy"]  # the first of equals
    assert found.dropped == {"no votes": 2}


def test_a_class_may_be_named_that_nobody_chose() -> None:
    config = soft_labels.Config(classes=["anger", "fear", "sadness"], drop=["other", "joy"])
    found = soft_labels.examples(table(VOTES), config)
    assert found.examples[0].values == (pytest.approx(2 / 3), 0, pytest.approx(1 / 3))
    assert found.classes == ("anger", "fear", "sadness")


def test_votes_can_be_merged_and_asked_for_in_number() -> None:
    config = soft_labels.Config(
        classes=["sadness", "rest"], merge={"anger": "rest", "joy": "rest", "other": "rest"}
    )
    found = soft_labels.examples(table(VOTES), config)
    assert found.examples[0].values == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    config.fewest_votes = 3
    found = soft_labels.examples(table(VOTES), config)
    assert [one.id for one in found.examples] == ["u0", "u2"]
    assert found.dropped == {"no votes": 1, "too few votes that count": 2}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"classes": ["anger", "sadness"]}, "votes for joy, other are neither"),
        ({"classes": ["anger", "boredom"], "drop": ["sadness", "other", "joy"]}, "all votes are for anger"),
        ({"drop": ["sadness", "other", "joy"]}, "all votes are for anger"),
        ({"drop": ["sadness", "other", "joy", "anger"]}, "does not give the votes"),
    ],
)
def test_votes_that_have_no_place_are_named(config: dict[str, Any], message: str) -> None:
    with pytest.raises(LabelError, match=message):
        soft_labels.examples(table(VOTES), soft_labels.Config(**config))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"drop": ["a"], "merge": {"a": "b"}}, "dropped and merged"),
        ({"classes": ["a", "b"], "drop": ["a"]}, "class and dropped"),
        ({"classes": ["a", "a"]}, "twice"),
        ({"smoothing": 1.0}, "no share below 1"),
        ({"folder": "x", "smoothing": 0.1}, "do nothing"),
        ({"tables": [1]}, "not set"),
    ],
)
def test_settings_that_contradict_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        soft_labels.examples(table(VOTES), soft_labels.Config(**config))


@given(
    votes=st.lists(st.integers(0, 5), min_size=2, max_size=9).filter(any),
    smoothing=st.floats(0, 0.9),
)
def test_shares_add_up_and_keep_the_order_of_the_votes(votes: list[int], smoothing: float) -> None:
    classes = [f"c{number}" for number in range(len(votes))]
    shares = shares_of(dict(zip(classes, votes, strict=True)), classes, smoothing)
    assert shares is not None
    assert sum(shares) == pytest.approx(1, abs=1e-12)
    if smoothing < (len(votes) - 1) / len(votes) - 1e-6:  # from there on, smoothing turns the order round
        assert largest(shares, classes) == largest(votes, classes)


@pytest.mark.parametrize("folder", ["IEMOCAP/Secondary", "CREMA-D/Primary"])
def test_smoothing_is_what_emo_superb_did(shared: Path, folder: str) -> None:
    """Every published row is a distribution of whole votes, smoothed by 0.05, printed with three to six digits."""
    published = read_shares(str(shared / "reference/formats/emo_superb" / folder))
    others = len(published.classes) - 1
    for shares in published.shares.values():
        plain = [(share - 0.05 / others) / (1 - 0.05 - 0.05 / others) for share in shares]
        fits = [
            total
            for total in range(1, 40)
            if all(abs(p * total - round(p * total)) < 1e-3 * total for p in plain)
        ]
        votes = {name: round(p * fits[0]) for name, p in zip(published.classes, plain, strict=True)}
        again = shares_of(votes, published.classes, 0.05)
        assert again == pytest.approx(shares, abs=1e-3)


def test_emo_superbs_files_give_classes_order_and_shares(shared: Path) -> None:
    folder = shared / "reference/formats/emo_superb/IEMOCAP/Secondary"
    with (folder / "labels_consensus_1.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = json.loads((folder / "config.json").read_text(encoding="utf-8"))["categorical"]["emo_type"]
    ours = table([{} for _ in rows])
    ours["path"] = [f"Session1/sentences/wav/x/{row['FileName']}" for row in rows]
    ours.loc[len(ours)] = {**ours.iloc[0].to_dict(), "id": "more", "path": "wav/unlisted.wav"}
    found = soft_labels.examples(ours, soft_labels.Config(folder=str(folder)))
    assert list(found.classes) == wanted
    assert len(found.examples) == len(rows) == 10_039
    assert found.dropped == {"not in EMO-SUPERB's tables": 1}
    for one, row in zip(found.examples, rows, strict=True):
        assert one.values == tuple(float(row[name]) for name in wanted)
        assert one.target == max(wanted, key=lambda name: float(row[name]))


Folder = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    def made(*tables: str, classes: Any = ("sad", "joy")) -> Path:
        for number, text in enumerate(tables, start=1):
            (tmp_path / f"labels_consensus_{number}.csv").write_text(f"FileName,sad,joy,Split_Set\n{text}")
        (tmp_path / "config.json").write_text(json.dumps({"categorical": {"emo_type": classes}}))
        return tmp_path

    return made


def test_tables_have_to_agree(folder: Folder) -> None:
    place = folder("u0.wav,0.6,0.4,Train\n", "u0.wav,0.6,0.4,Test\n", "u0.wav,0.5,0.5,Test\n")
    with pytest.raises(LabelError, match=r"different shares(?s:.)*u0 in labels_consensus_3"):
        soft_labels.examples(table([{}]), soft_labels.Config(folder=str(place)))
    found = soft_labels.examples(table([{}]), soft_labels.Config(folder=str(place), tables=[1, 2]))
    assert found.examples[0].values == (0.6, 0.4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("u0.wav,0.6,0.3,Train\n", "line 2: shares"),
        ("u0.wav,1.2,-0.2,Train\n", "line 2: shares"),
        ("u0.wav,much,0.4,Train\n", "line 2"),
        ("u0.wav,0.6\n", "line 2"),
        ("other.wav,0.6,0.4,Train\n", "not about this corpus"),
        ("", "not about this corpus"),
    ],
)
def test_files_that_cannot_be_meant_are_refused(folder: Folder, text: str, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        soft_labels.examples(table([{}]), soft_labels.Config(folder=str(folder(text))))


def test_folders_that_cannot_be_meant_are_refused(folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"task\.folder is no folder"):
        soft_labels.examples(table([{}]), soft_labels.Config(folder=str(tmp_path / "absent")))
    place = folder(classes=["sad"])
    with pytest.raises(LabelError, match=r"labels_consensus_1\.csv"):
        soft_labels.examples(table([{}]), soft_labels.Config(folder=str(place)))
    with pytest.raises(LabelError, match="emo_type is"):
        soft_labels.examples(
            table([{}]), soft_labels.Config(folder=str(folder("u0.wav,0.6,0.4,Train\n", classes=["sad"])))
        )
    with pytest.raises(LabelError, match=r"labels_consensus_7\.csv"):
        soft_labels.examples(table([{}]), soft_labels.Config(folder=str(place), tables=[7]))
