"""Speakers in three parts, a share as dev in random folds, and owners with several test lists."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contracts import Example
from harness.errors import ConfigError, SplitError
from harness.splits import make_folds, official, random_kfold, speaker_share

Crowd = Callable[..., list[Example]]
DRAWN = speaker_share.Config(test_share=0.2, dev_share=0.2)


def people(counts: list[int]) -> list[Example]:
    """Speakers p0, p1, ... with so many utterances each, all of one class."""
    return [
        Example(f"p{who:02d}_{n}", (f"p{who:02d}_{n}",), "joy", f"p{who:02d}")
        for who, count in enumerate(counts)
        for n in range(count)
    ]


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(1, 9), min_size=3, max_size=30),
    test_share=st.floats(0.05, 0.4),
    dev_share=st.floats(0.05, 0.4),
    seed=st.integers(0, 2**31 - 1),
)
def test_every_speaker_is_in_one_part_and_the_shares_hold(
    counts: list[int], test_share: float, dev_share: float, seed: int
) -> None:
    examples = people(counts)
    wanted = [max(1, round(share * len(counts))) for share in (test_share, dev_share)]
    config = speaker_share.Config(test_share=test_share, dev_share=dev_share, seed=seed)
    if sum(wanted) >= len(counts):
        with pytest.raises(SplitError, match="too few speakers"):
            make_folds(speaker_share, examples, config)
        return
    (fold,) = make_folds(speaker_share, examples, config).folds
    who = {e.id: e.speaker for e in examples}
    parts = [{who[i] for i in part} for part in (fold.test, fold.dev, fold.train)]
    assert [len(part) for part in parts] == [*wanted, len(counts) - sum(wanted)]
    assert len(set().union(*parts)) == len(counts)
    shuffled = random.Random(seed).sample(examples, len(examples))
    (again,) = make_folds(speaker_share, shuffled, config).folds
    assert set(again.test) == set(fold.test)
    assert set(again.dev) == set(fold.dev)


def test_listed_speakers_are_where_they_are_listed(make_crowd: Crowd) -> None:
    config = speaker_share.Config(test_speakers=["s1a", "s3b"], dev_speakers=["s2a"])
    (fold,) = make_folds(speaker_share, make_crowd(), config).folds
    assert {i[:3] for i in fold.test} == {"s1a", "s3b"}
    assert {i[:3] for i in fold.dev} == {"s2a"}
    assert len(fold.train) == 7 * 12


def test_the_rest_is_drawn_beside_a_list(make_crowd: Crowd) -> None:
    config = speaker_share.Config(test_speakers=["s1a"], dev_share=0.3)
    (fold,) = make_folds(speaker_share, make_crowd(), config).folds
    dev = {i[:3] for i in fold.dev}
    assert len(dev) == 3
    assert "s1a" not in dev


def test_without_dev_its_speakers_train(make_crowd: Crowd) -> None:
    config = speaker_share.Config(test_speakers=["s1a"], dev_speakers=["s2a"], select="last")
    (fold,) = make_folds(speaker_share, make_crowd(), config).folds
    assert not fold.dev
    assert len(fold.train) == 9 * 12


def test_word_of_the_id_shares_speakers_and_needs_a_publication(make_crowd: Crowd) -> None:
    rows = [dataclasses.replace(e, speaker=f"true{i % 2}") for i, e in enumerate(make_crowd())]
    config = speaker_share.Config(test_speakers=["s1a"], dev_speakers=["s2a"], by="id_prefix")
    with pytest.raises(SplitError, match="on both sides"):
        make_folds(speaker_share, rows, config)
    config.shares_speakers_as = "a paper"
    result = make_folds(speaker_share, rows, config)
    assert {i[:3] for i in result.folds[0].test} == {"s1a"}
    assert result.shared_speakers == ("true0", "true1")
    assert result.dev_shares_speakers


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"test_share": None}, ConfigError, "neither"),
    ({"test_speakers": ["s1a"]}, ConfigError, "both"),
    ({"dev_share": 1.0}, ConfigError, "dev_share is no share"),
    ({"test_share": 0.0}, ConfigError, "test_share is no share"),
    ({"test_share": None, "test_speakers": ["nobody"]}, SplitError, "not there"),
    (
        {"test_share": None, "test_speakers": ["s1a"], "dev_share": None, "dev_speakers": ["s1a"]},
        ConfigError,
        "as test and as dev",
    ),
    ({"by": "session"}, ConfigError, "no grouping"),
]


@pytest.mark.parametrize(("changes", "kind", "message"), WRONG)
def test_wrong_settings_of_speaker_share(
    changes: dict[str, Any], kind: type[Exception], message: str, make_crowd: Crowd
) -> None:
    with pytest.raises(kind, match=message):
        make_folds(speaker_share, make_crowd(), dataclasses.replace(DRAWN, **changes))


@settings(max_examples=40)
@given(
    count=st.integers(20, 120),
    folds=st.integers(2, 8),
    share=st.floats(0.1, 0.5),
    seed=st.integers(0, 2**31 - 1),
)
def test_random_folds_with_a_share_as_dev(count: int, folds: int, share: float, seed: int) -> None:
    examples = people([count])
    config = random_kfold.Config(folds=folds, dev_share=share, seed=seed, shares_speakers_as="a paper")
    made = make_folds(random_kfold, examples, config).folds
    assert len(made) == folds
    for fold in made:
        rest = count - len(fold.test)
        assert len(fold.train) == int((1 - share) * rest + 1e-9)
        assert len(fold.train) + len(fold.dev) == rest


def test_the_dev_rule_of_random_folds_leaves_the_test_parts_alone(make_crowd: Crowd) -> None:
    tests = {
        tuple(fold.test for fold in make_folds(random_kfold, make_crowd(), config).folds)
        for config in (
            random_kfold.Config(folds=5, shares_speakers_as="a paper"),
            random_kfold.Config(folds=5, shares_speakers_as="a paper", dev_share=0.2),
        )
    }
    assert len(tests) == 1


def listed(make_crowd: Crowd) -> list[Example]:
    """Sessions 1 and 2 train, 3 is dev, 4 and 5 are two test lists."""
    parts = {"1": "train", "2": "train", "3": "dev", "4": "test1", "5": "test2"}
    return [dataclasses.replace(e, split=parts[e.session]) for e in make_crowd()]


def test_one_of_several_test_lists(make_crowd: Crowd) -> None:
    config = official.Config(test="test1", leave_out=["test2"])
    result = make_folds(official, listed(make_crowd), config)
    (fold,) = result.folds
    assert {i[:2] for i in fold.test} == {"s4"}
    assert {i[:2] for i in fold.dev} == {"s3"}
    assert {i[:2] for i in fold.train} == {"s1", "s2"}
    assert result.warnings == ("24 examples of the owners' part test2 are left out",)


OFFICIAL: list[tuple[official.Config, type[Exception], str]] = [
    (official.Config(test="test1"), SplitError, r"(?s)24 of 120.*leave_out=\[test2\]"),
    (official.Config(), SplitError, r"leave_out=\[test1,test2\]"),
    (official.Config(test="test1", leave_out=["test2", "test3"]), ConfigError, "do not fit"),
    (official.Config(test="test1", leave_out=["test2", "train"]), ConfigError, "do not fit"),
    (official.Config(test="train", leave_out=["test1", "test2"]), ConfigError, "do not fit"),
]


@pytest.mark.parametrize(("config", "kind", "message"), OFFICIAL)
def test_test_lists_have_to_be_named(
    config: official.Config, kind: type[Exception], message: str, make_crowd: Crowd
) -> None:
    with pytest.raises(kind, match=message):
        make_folds(official, listed(make_crowd), config)
