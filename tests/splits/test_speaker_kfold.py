"""Whole speakers in every fold, men and women in each, the same for any order of the examples."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import config, registry, study
from harness.contracts import Example
from harness.corpora import read_names
from harness.errors import ConfigError, LabelError, SplitError
from harness.splits import make_folds, speaker_kfold

GENDERS = ("female", "male", "")


def songs(genders: list[str], each: int = 6) -> list[Example]:
    return [
        Example(f"{who}-{n}", (f"{who}-{n}",), "ab"[n % 2], f"s{who:02d}", gender=gender)
        for who, gender in enumerate(genders)
        for n in range(each)
    ]


def hands_of(examples: list[Example], **changes: Any) -> list[set[str]]:
    who = {example.id: example.speaker for example in examples}
    folds = make_folds(speaker_kfold, examples, speaker_kfold.Config(**changes)).folds
    return [{who[i] for i in fold.test} for fold in folds]


@given(
    genders=st.lists(st.sampled_from(GENDERS), min_size=6, max_size=40),
    folds=st.integers(3, 6),
    seed=st.integers(0, 2**31),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=50)
def test_sizes_and_genders_differ_by_one_at_most(
    genders: list[str], folds: int, seed: int, order: Any
) -> None:
    examples = songs(genders, 2)
    hands = hands_of(examples, folds=folds, seed=seed)
    assert sorted(who for hand in hands for who in hand) == sorted({e.speaker for e in examples})
    sizes = [len(hand) for hand in hands]
    assert max(sizes) - min(sizes) <= 1
    gender_of = {e.speaker: e.gender for e in examples}
    for gender in set(genders):
        counts = [sum(gender_of[who] == gender for who in hand) for hand in hands]
        assert max(counts) - min(counts) <= 1
    assert hands_of(order.sample(examples, len(examples)), folds=folds, seed=seed) == hands


def test_dev_is_the_next_fold_and_shares_nobody() -> None:
    examples = songs(["female", "male"] * 8)
    who = {example.id: example.speaker for example in examples}
    folds = make_folds(speaker_kfold, examples, speaker_kfold.Config()).folds
    for fold, following in zip(folds, (*folds[1:], folds[0]), strict=True):
        assert set(fold.dev) == set(following.test)
        assert not {who[i] for i in fold.train} & {who[i] for i in fold.dev}
    drawn = [hands_of(examples, seed=seed) for seed in range(3)]
    assert drawn[0] != drawn[1] != drawn[2]


def test_a_fold_without_a_gender_is_told() -> None:
    folds = make_folds(speaker_kfold, songs(["female"] * 2 + ["male"] * 8 + [""]), speaker_kfold.Config())
    assert folds.warnings == (
        "the gender of 1 of 11 speakers is not known",
        "3 of 5 folds have no female speaker",
    )
    assert make_folds(speaker_kfold, songs(["male"] * 7), speaker_kfold.Config()).warnings == ()


def test_what_cannot_be_dealt_is_refused() -> None:
    with pytest.raises(SplitError, match="too few speakers"):
        make_folds(speaker_kfold, songs(["male"] * 4), speaker_kfold.Config())
    with pytest.raises(ConfigError, match="too small"):
        make_folds(speaker_kfold, songs(["male"] * 4), speaker_kfold.Config(folds=2))
    torn = songs(["male"] * 5)
    torn[0] = dataclasses.replace(torn[0], gender="female")
    with pytest.raises(SplitError, match=r"(?s)two genders.*s00: female, male"):
        make_folds(speaker_kfold, torn, speaker_kfold.Config())


# ------------------------------------------------------------------------------------------ RAVDESS' songs


@pytest.fixture(scope="module")
def sung(
    listing: Callable[[str], list[dict[str, Any]]],
    listing_trees: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """The songs in the folders that they share with the speech, where actor 18 only speaks."""
    root = tmp_path_factory.mktemp("ravdess")
    rows = [*listing("ravdess_song"), *listing("ravdess_speech")]
    listing_trees.lay_out("ravdess_song", rows, root)
    corpus: Any = registry.load("corpora", "ravdess_song")
    return read_names(corpus, root).table


def planned(name: str, table: Any) -> tuple[Any, list[Example]]:
    recipe = config.compose(name, [])
    task, split = study.plugin("tasks", recipe.task), study.plugin("splits", recipe.split)
    told = task.module.examples(table, task.settings)
    assert told.classes == ("anger", "calm", "fear", "happiness", "neutral", "sadness")
    return make_folds(split.module, told.examples, split.settings), list(told.examples)


def test_the_honest_default_keeps_singers_apart(sung: Any) -> None:
    folds, examples = planned("ravdess_song", sung)
    assert len(examples) == 1012
    assert not folds.shared_speakers
    assert not folds.dev_shares_speakers
    assert folds.warnings == ()
    who, gender = ({e.id: getattr(e, name) for e in examples} for name in ("speaker", "gender"))
    for fold in folds.folds:
        for part in (fold.train, fold.dev, fold.test):
            assert {gender[i] for i in part} == {"female", "male"}
            assert set(Counter(who[i] for i in part).values()) == {44}
    assert sorted(len(fold.test) // 44 for fold in folds.folds) == [4, 4, 5, 5, 5]
    assert "18" not in set(who.values())
    assert len(set(who.values())) == 23


@pytest.mark.parametrize(("name", "dev"), [("ravdess_song_5fold", 162), ("ravdess_song_5fold_star", 0)])
def test_the_published_protocol_shares_singers_and_says_so(name: str, dev: int, sung: Any) -> None:
    """Five folds of 202 or 203; a fifth of the other four selects, rounded up, or the test fold itself."""
    folds, _ = planned(name, sung)
    assert [len(fold.test) for fold in folds.folds] == [203, 203, 202, 202, 202]
    assert {len(fold.dev) for fold in folds.folds} == {dev}
    assert "Table 5" in folds.shares_speakers_as
    assert folds.saw_test == name.endswith("_star")


@pytest.mark.parametrize("name", ["ravdess_song", "ravdess_song_5fold", "ravdess_song_5fold_star"])
def test_six_emotions_each_of_which_has_to_be_there(name: str, sung: Any) -> None:
    assert "misprints eight" in config.compose(name, []).about
    with pytest.raises(LabelError, match="class fear has no example"):
        planned(name, sung[sung["label"] != "fear"])
    spoken = sung.assign(label=sung["label"].replace("calm", "disgust"))
    with pytest.raises(LabelError):
        planned(name, spoken)
