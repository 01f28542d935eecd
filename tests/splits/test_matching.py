"""Foreign names find their example, or are told: every key of EmoBox, and what must not be guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contracts import Example
from harness.splits._match import Listed, match

EMOBOX_NAME = {"ravdess_speech": "ravdess"}
NOT_IN_EMOBOX = {"mosi", "mosei", "ravdess_song"}
NO_KEYS = {"msppodcast"}
"""The listing of MSP-Podcast holds no keys; EmoBox's are the file names."""
KEY_IS_TOO_SHORT = {"aesdd": 9, "emovdb": 6887, "enterface": 30}
"""corpus -> keys that say too little by themselves, so that the path has to decide."""

SMALL = 8_000
"""Corpora with fewer rows are asked the slower questions, too."""


def example(name: str, path: str = "") -> Example:
    return Example(name, (name,), "joy", "anna", path=path)


def names(folder: Path) -> list[str]:
    return sorted(path.name.split(".")[0] for path in folder.glob("*.jsonl.gz"))


@pytest.fixture(scope="module")
def emobox(
    shared: Path, listing: Callable[[str], list[dict[str, Any]]]
) -> dict[str, tuple[dict[Listed, str], list[Example]]]:
    """Corpus -> EmoBox's rows with the utterance that each means, and all examples of the listing."""
    found = {}
    for name in sorted(set(names(shared / "reference" / "listings")) - NOT_IN_EMOBOX - NO_KEYS):
        rows = listing(name)
        theirs = EMOBOX_NAME.get(name, name)
        meant = {
            Listed(row["emobox_key"].removeprefix(f"{theirs}-"), f"downloads/{theirs}/{row['path']}"): row[
                "utt"
            ]
            for row in rows
            if row.get("emobox_key")
        }
        found[name] = meant, [example(row["utt"], row["path"]) for row in rows]
    return found


def test_every_key_of_emobox_is_matched_and_means_what_it_says(emobox: Any) -> None:
    assert len(emobox) == 31
    assert sum(len(meant) for meant, _ in emobox.values()) == 262_020 - 73_042
    for name, (meant, examples) in emobox.items():
        assert match(meant, examples).ids == meant, name


def small(emobox: Any) -> dict[str, Any]:
    return {name: pair for name, pair in emobox.items() if len(pair[1]) < SMALL}


def test_keys_alone_suffice_but_where_they_say_too_little(emobox: Any) -> None:
    for name, (meant, examples) in small(emobox).items():
        bare = {row._replace(path=""): id_ for row, id_ in meant.items()}
        found = match(bare, examples)
        assert all(bare[row] == id_ for row, id_ in found.ids.items()), name
        assert len(bare) - len(found.ids) == KEY_IS_TOO_SHORT.get(name, 0), name


def test_half_a_corpus_is_never_matched_wrongly(emobox: Any) -> None:
    for name, (meant, examples) in small(emobox).items():
        found = match(meant, examples[::2])
        assert all(meant[row] == id_ for row, id_ in found.ids.items()), name


ONE = [example("a_1", "x/a_1.wav"), example("b_1", "x/b_1.wav")]
CASES = [
    (Listed("?", "a_1.wav"), "a_1"),
    (Listed("?", "downloads/mini/x/a_1.flac"), "a_1"),
    (Listed("?", "C:\\data\\x\\a_1.wav"), "a_1"),
    (Listed("?", "other/A_1.WAV"), None),
    (Listed("a-1"), "a_1"),
    (Listed("A-1.wav"), "a_1"),
    (Listed("1-a"), "a_1"),
    (Listed("x-b-1"), "b_1"),
    (Listed("1"), None),
    (Listed("c_1", "x/c_1.wav"), None),
]


@pytest.mark.parametrize(("row", "meant"), CASES, ids=lambda value: str(value)[:40])
def test_one_row(row: Listed, meant: str | None) -> None:
    found = match([row], ONE)
    assert found.ids == ({} if meant is None else {row: meant})
    assert found.unknown == ((row,) if meant is None else ())


def test_capitals_decide_where_they_tell_names_apart() -> None:
    two = [example("rec_ab", "rec_ab.webm"), example("rec_AB", "rec_AB.webm")]
    rows = [Listed("rec_AB", "cleaned/rec_AB.webm"), Listed("rec_ab", "cleaned/rec_ab.webm")]
    assert match(rows, two).ids == {rows[0]: "rec_AB", rows[1]: "rec_ab"}
    assert match([Listed("REC_ab", "REC_ab.webm")], two).ambiguous


def test_composed_and_decomposed_names_are_one_name() -> None:
    row = Listed("?", "downloads/Oréau/é.wav")
    assert match([row], [example("e", "Ore\u0301au/e\u0301.wav")]).ids == {row: "e"}


def test_two_rows_of_one_example_are_told_and_not_decided() -> None:
    rows = [Listed("a-1"), Listed("1-a", "x/a_1.wav")]
    assert match(rows, ONE).ambiguous == tuple(rows)


def test_words_in_another_order_are_not_taken_for_a_sibling_that_is_missing() -> None:
    rows = [Listed("01-02"), Listed("02-01")]
    found = match(rows, [example("02-01", "02-01.wav")])
    assert found.ids == {rows[1]: "02-01"}
    assert found.unknown == (rows[0],)


def test_path_and_key_that_contradict_each_other_are_told() -> None:
    shared_file = [example("p_1", "p.flac"), example("p_2", "p.flac"), example("q_1", "q.flac")]
    assert match([Listed("p-2", "p.flac")], shared_file).ids == {Listed("p-2", "p.flac"): "p_2"}
    assert match([Listed("q-1", "p.flac")], shared_file).ambiguous


NAMES = st.lists(
    st.from_regex(r"[a-c]{1,2}_[0-9]{1,2}", fullmatch=True), min_size=1, max_size=20, unique=True
)


@given(ids=NAMES, keep=st.integers(0, 20))
def test_own_names_always_match_themselves(ids: list[str], keep: int) -> None:
    examples = [example(i, f"wav/{i}.wav") for i in ids[: max(1, keep)]]
    rows = [Listed(i, f"downloads/mini/wav/{i}.wav") for i in ids]
    found = match(rows, examples)
    known = {e.id for e in examples}
    assert {row.key: id_ for row, id_ in found.ids.items()} == {i: i for i in ids if i in known}
    assert {row.key for row in found.unknown} == set(ids) - known
