"""Groups on both sides and the examples that they touch, against a slow count with sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contracts import Example, Fold
from harness.doctor import Diagnosis, Kind, diagnose
from harness.doctor._groups import Grouping, _grouping
from harness.doctor._sentences import sentence_key
from harness.doctor.overlaps import Overlap, overlap, parts_of
from harness.errors import SplitError
from harness.sketch import Pair, Sketches

Crowd = Callable[..., tuple[Any, list[Example]]]
ROWS = [
    {"id": "a", "speaker": "anna", "sentence": "s1", "dialogue": "d1", "session": "1", "label": "joy"},
    {"id": "b", "speaker": "bert", "sentence": "s2", "dialogue": "d2", "session": "1", "label": "sad"},
    {"id": "c", "speaker": "anna", "sentence": "s1", "dialogue": "d3", "session": "2", "label": "joy"},
    {"id": "d", "speaker": "anna", "sentence": "s1", "dialogue": "d1", "session": "2", "label": "sad"},
    {"id": "e", "speaker": "carl", "sentence": "s3", "dialogue": "d4", "session": "3", "label": "joy"},
]


def by_kind(diagnosis: Diagnosis, known: str = "train", tested: str = "test") -> dict[Kind, Overlap]:
    (fold,) = diagnosis.folds
    return {one.kind: one for one in fold.overlaps if (one.known, one.tested) == (known, tested)}


def test_every_kind_that_names_tell(crowd: Crowd, cut: Any) -> None:
    manifest, examples = crowd(*ROWS)
    folds = cut(examples, Fold("x", ("a", "b"), (), ("c", "d", "e")))
    found = by_kind(diagnose(manifest, examples, folds, ["joy", "sad"], None))
    touched = {kind: one.touched for kind, one in found.items()}
    assert touched == {
        Kind.UTTERANCE: 0,
        Kind.TWIN: 1,  # c: anna says s1 with joy, as in a; d has another emotion
        Kind.SPEAKER: 2,
        Kind.DIALOGUE: 1,
        Kind.SESSION: 0,
        Kind.SENTENCE: 2,
    }
    speakers = found[Kind.SPEAKER]
    assert (speakers.groups_shared, speakers.groups_tested, speakers.examples) == (1, 2, 3)
    assert speakers.first_groups == ("anna",)
    assert speakers.first_touched == ("c", "d")
    assert found[Kind.TWIN].first_groups == ("anna / s1 / joy",)


def test_dev_is_learnt_from_too(crowd: Crowd, cut: Any) -> None:
    manifest, examples = crowd(*ROWS)
    folds = cut(examples, Fold("x", ("b",), ("a",), ("c", "d", "e")), select="dev")
    diagnosis = diagnose(manifest, examples, folds, ["joy", "sad"], None)
    assert by_kind(diagnosis, "train", "test")[Kind.SPEAKER].touched == 0
    assert by_kind(diagnosis, "dev", "test")[Kind.SPEAKER].touched == 2
    assert by_kind(diagnosis, "train+dev", "test")[Kind.SPEAKER].touched == 2
    assert by_kind(diagnosis, "train", "dev")[Kind.SESSION].touched == 1
    assert diagnosis.leaks["x"][Kind.SPEAKER] == {"c", "d"}
    assert {one.known for one in diagnosis.folds[0].decisive} == {"train+dev"}


def test_an_id_on_both_sides_is_told_and_not_refused(crowd: Crowd, cut: Any) -> None:
    manifest, examples = crowd(*ROWS)
    folds = cut(examples, Fold("x", ("a", "b", "e"), (), ("c", "e")))
    diagnosis = diagnose(manifest, examples, folds, ["joy", "sad"], None)
    assert by_kind(diagnosis)[Kind.UTTERANCE].first_touched == ("e",)
    assert diagnosis.grade.letter == "F"


def test_what_nobody_names_is_not_examined(crowd: Crowd, cut: Any) -> None:
    manifest, examples = crowd({"id": "a", "speaker": ""}, {"id": "b", "speaker": "", "text": "Oh, yeah?"})
    folds = cut(examples, Fold("x", ("a",), (), ("b",)))
    diagnosis = diagnose(manifest, examples, folds, ["joy"], None)
    assert set(by_kind(diagnosis)) == {Kind.UTTERANCE}
    assert set(diagnosis.not_examined) == set(Kind) - {Kind.UTTERANCE}
    assert "names no speakers" in diagnosis.not_examined[Kind.SPEAKER]


def test_unknown_members_are_counted_on_each_side(crowd: Crowd, cut: Any) -> None:
    rows = [{"id": "a", "speaker": "x"}, {"id": "b", "speaker": ""}, {"id": "c", "speaker": "y"}]
    manifest, examples = crowd(*rows)
    folds = cut(examples, Fold("x", ("a", "b"), (), ("c",)))
    speakers = by_kind(diagnose(manifest, examples, folds, ["joy"], None))[Kind.SPEAKER]
    assert (speakers.unknown_known, speakers.unknown_tested, speakers.touched) == (1, 0, 0)


def test_examples_of_several_utterances_share_what_any_of_them_shares(crowd: Crowd, cut: Any) -> None:
    manifest, _ = crowd(*ROWS)
    examples = [Example("x", ("a", "b"), "joy", "bert"), Example("y", ("b", "e"), "joy", "carl")]
    folds = cut(examples, Fold("f", ("x",), (), ("y",)))
    found = by_kind(diagnose(manifest, examples, folds, ["joy"], None))
    assert found[Kind.UTTERANCE].first_groups == ("b",)
    assert found[Kind.DIALOGUE].first_groups == ("d2",)
    assert found[Kind.SPEAKER].touched == 0


def test_examples_of_another_manifest_are_refused(crowd: Crowd, cut: Any) -> None:
    manifest, _ = crowd(*ROWS)
    examples = [Example("x", ("gone",), "joy", "x"), Example("y", ("a",), "joy", "y")]
    folds = cut(examples, Fold("f", ("x",), (), ("y",)))
    with pytest.raises(SplitError, match="manifest does not hold"):
        diagnose(manifest, examples, folds, ["joy"], None)


def sketches(rows: list[dict[str, Any]]) -> Sketches:
    """What was measured of rows with `id` and `pcm_sha256`; the prints are never looked at here."""
    table = pd.DataFrame([{"level_dbfs": -20.0, "peak_dbfs": -3.0, "duration_s": 1.0, **row} for row in rows])
    return Sketches(table.set_index("id"), None)  # type: ignore[arg-type]


def test_equal_and_near_audio(crowd: Crowd, cut: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near is not transitive: d is near c, c near a, and d is not touched by a."""
    manifest, examples = crowd(*ROWS)
    heard = sketches(
        [{"id": row["id"], "pcm_sha256": "h" if row["id"] in "be" else row["id"]} for row in ROWS]
    )
    pairs = [Pair(("a", "c"), "near", 0.9), Pair(("c", "d"), "near", 0.9), Pair(("b", "e"), "exact", 1.0)]
    monkeypatch.setattr("harness.sketch.near_duplicates", lambda _: pairs)
    folds = cut(examples, Fold("x", ("a", "b"), (), ("c", "d", "e")))
    diagnosis = diagnose(manifest, examples, folds, ["joy", "sad"], heard)
    found = by_kind(diagnosis)
    assert found[Kind.EXACT_AUDIO].first_touched == ("e",)
    assert found[Kind.EXACT_AUDIO].first_groups == ("b = e",)
    assert found[Kind.NEAR_AUDIO].first_touched == ("c",)
    assert not {Kind.EXACT_AUDIO, Kind.NEAR_AUDIO} & set(diagnosis.not_examined)


def test_silence_is_nobodys_recording(crowd: Crowd, cut: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, examples = crowd({"id": "a"}, {"id": "b"})
    heard = sketches([{"id": name, "pcm_sha256": "zeros", "peak_dbfs": -120.0} for name in "ab"])
    monkeypatch.setattr("harness.sketch.near_duplicates", lambda _: [])
    folds = cut(examples, Fold("x", ("a",), (), ("b",)))
    found = by_kind(diagnose(manifest, examples, folds, ["joy"], heard))[Kind.EXACT_AUDIO]
    assert (found.touched, found.unknown_tested) == (0, 0)


@settings(max_examples=200)
@given(st.data())
def test_arrays_count_what_sets_count(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 12))
    ids = [f"u{number}" for number in range(size)]
    owners = data.draw(st.lists(st.sampled_from(["p", "q", "r", "", None]), min_size=size, max_size=size))
    parts = data.draw(
        st.lists(st.sampled_from(["train", "dev", "test", "none"]), min_size=size, max_size=size)
    )
    chosen = {
        part: [i for i, p in zip(ids, parts, strict=True) if p == part] for part in ("train", "dev", "test")
    }
    fold = Fold("x", *(tuple(chosen[part]) for part in ("train", "dev", "test")))
    grouping: Grouping = _grouping(Kind.SPEAKER, enumerate(owners), size)
    owner = dict(zip(ids, owners, strict=True))
    for known, known_mask, tested, tested_mask in parts_of(fold, {i: n for n, i in enumerate(ids)}).pairs():
        found = overlap(grouping, ids, (known, known_mask), (tested, tested_mask))
        left = {owner[i] for part in known.split("+") for i in chosen[part]} - {"", None}
        right = {owner[i] for i in chosen[tested]} - {"", None}
        assert found.groups_shared == len(left & right)
        assert found.groups_tested == len(right)
        assert found.touched == sum(owner[i] in left & right for i in chosen[tested])
        assert found.unknown_tested == sum(owner[i] is None for i in chosen[tested])
        assert found.unknown_known == sum(owner[i] is None for part in known.split("+") for i in chosen[part])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I don't know  what!", "i DON'T know, what"),
        ("Où est-il allé ?", "où est il allé"),
        ("你在哪里？", "你在哪里"),
        ("ＡＢＣ one two", "abc One two"),
    ],
)
def test_spelling_does_not_part_sentences(one: str, other: str) -> None:
    assert sentence_key("", one) == sentence_key("", other) != ""


@pytest.mark.parametrize("text", ["Yeah.", "I know.", "好的", "...", "[laughter]"])
def test_what_everybody_says_is_no_sentence(text: str) -> None:
    assert sentence_key("", text) == ""


def test_the_owners_code_counts_before_the_text() -> None:
    assert sentence_key("a01", "Der Lappen liegt auf dem Eisschrank.") == "a01"
    assert sentence_key("", "  ") is None
