"""`cut_folds` lets through what a diagnosis has to tell, and `make_folds` still refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from harness.contracts import Example, Fold
from harness.errors import PluginError, SplitError
from harness.splits import SplitConfig, cut_folds, make_folds

FOUR = [
    Example("a", ("a",), "joy", "anna"),
    Example("b", ("b",), "sad", "bert"),
    Example("c", ("c",), "joy", "anna"),
    Example("d", ("d",), "sad", "bert"),
]


def protocol(*folds: Fold) -> Any:
    def split(examples: list[Example], config: object) -> Iterator[Fold]:
        yield from folds

    return SimpleNamespace(Config=SplitConfig, split=split)


LET_THROUGH = {
    "shared speakers": [Fold("x", ("a", "b"), (), ("c", "d")), Fold("y", ("c", "d"), (), ("a", "b"))],
    "an id in two parts": [Fold("x", ("a", "b", "c"), (), ("c", "d"))],
    "a class without training": [
        Fold("x", ("a", "c"), (), ("b", "d")),
        Fold("y", ("b", "d"), (), ("a", "c")),
    ],
    "tested twice": [Fold("x", ("a", "b"), (), ("c", "d")), Fold("y", ("a", "b"), (), ("c", "d"))],
    "never tested": [Fold("x", ("a", "b", "c"), (), ("d",))],
    "dev that nothing reads": [Fold("x", ("a", "b"), ("c",), ("d",))],
}


@pytest.mark.parametrize("folds", LET_THROUGH.values(), ids=LET_THROUGH)
def test_lets_through_what_a_run_refuses(folds: list[Fold]) -> None:
    config = SplitConfig(select="last")
    with pytest.raises(SplitError):
        make_folds(protocol(*folds), FOUR, config)
    assert cut_folds(protocol(*folds), FOUR, config).folds == tuple(folds)


REFUSED = {
    "names of their own": [],
    "unknown ids": [Fold("x", ("a", "z"), (), ("d",))],
    "empty test": [Fold("x", ("a", "b"), (), ())],
    "empty train": [Fold("x", (), (), ("a",))],
}


@pytest.mark.parametrize(("said", "folds"), REFUSED.items(), ids=REFUSED)
def test_refuses_what_nothing_can_be_said_about(said: str, folds: list[Fold]) -> None:
    with pytest.raises(SplitError, match=said):
        cut_folds(protocol(*folds), FOUR, SplitConfig(select="last"))


def test_describes_sound_folds_as_make_folds_does() -> None:
    folds = [Fold("x", ("a", "b"), (), ("c", "d")), Fold("y", ("c", "d"), (), ("a", "b"))]
    config = SplitConfig(select="last", shares_speakers_as="a paper")
    assert cut_folds(protocol(*folds), FOUR, config) == make_folds(protocol(*folds), FOUR, config)


def test_wants_a_protocols_own_settings() -> None:
    with pytest.raises(PluginError, match="SplitConfig"):
        cut_folds(protocol(), FOUR, object())
