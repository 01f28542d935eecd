"""What `make_folds` refuses, and what it writes down."""

from __future__ import annotations

import dataclasses
import hashlib
import unicodedata
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contracts import Example, Fold
from harness.errors import ConfigError, PluginError, SplitError
from harness.splits import (
    SplitConfig,
    leave_session_out,
    leave_speaker_out,
    make_folds,
    official,
    random_kfold,
)

Crowd = Callable[..., list[Example]]


def protocol(*folds: Fold) -> Any:
    """A protocol that yields these folds whatever it is given."""

    def split(examples: list[Example], config: object) -> Iterator[Fold]:
        yield from folds

    return SimpleNamespace(Config=SplitConfig, split=split)


def example(name: str, target: str = "joy", speaker: str | None = None) -> Example:
    return Example(name, (name,), target, name if speaker is None else speaker)


FOUR = [example("a"), example("b", "sad"), example("c"), example("d", "sad")]
LAST = SplitConfig(select="last")


@dataclasses.dataclass(kw_only=True)
class Partial(SplitConfig):
    tests_everything = False


REFUSED = [
    (protocol(), LAST, "names of their own"),
    (
        protocol(Fold("x", ("c", "d"), (), ("a", "b")), Fold("x", ("a", "b"), (), ("c", "d"))),
        LAST,
        "names of",
    ),
    (protocol(Fold("x", ("a", "b", "c", "d"), (), ())), LAST, "empty test"),
    (protocol(Fold("x", (), (), ("a", "b", "c", "d"))), LAST, "empty train"),
    (protocol(Fold("x", ("a", "b"), (), ("c", "d"))), SplitConfig(), "empty dev"),
    (protocol(Fold("x", ("a", "b"), ("c",), ("d",))), LAST, "nothing reads"),
    (protocol(Fold("x", ("a", "b"), (), ("c", "d", "z"))), LAST, "unknown ids"),
    (protocol(Fold("x", ("a", "b", "c"), (), ("c", "d"))), LAST, "more than once"),
    (protocol(Fold("x", ("a", "b", "a"), (), ("c", "d"))), LAST, "more than once"),
    (protocol(Fold("x", ("a", "b"), (), ("c", "d"))), LAST, "never tested"),
    (
        protocol(Fold("x", ("a", "b"), (), ("c", "d")), Fold("y", ("a", "b"), (), ("d",))),
        Partial(select="last"),
        "tested in two folds",
    ),
    (protocol(Fold("x", ("a", "c"), (), ("b", "d"))), Partial(select="last"), "class sad has no training"),
]


@pytest.mark.parametrize(("module", "config", "message"), REFUSED)
def test_broken_folds_are_refused(module: Any, config: SplitConfig, message: str) -> None:
    with pytest.raises(SplitError, match=message):
        make_folds(module, FOUR, config)


def test_sound_folds_pass() -> None:
    result = make_folds(protocol(Fold("x", ("a", "b"), (), ("c",))), FOUR, Partial(select="last"))
    assert result.warnings == ("class sad is absent from the test part of 1 of 1 folds: x",)
    assert result.shared_speakers == ()


def test_absent_class_names_fold_counts_and_next_step() -> None:
    with pytest.raises(SplitError) as caught:
        make_folds(protocol(Fold("x", ("a", "c"), (), ("b", "d"))), FOUR, Partial(select="last"))
    text = str(caught.value)
    assert "fold x" in text
    assert "{'joy': 2}" in text
    assert "task.drop=[sad]" in text


def test_shared_speaker_is_refused_and_named() -> None:
    rows = [
        example("a", speaker="anna"),
        example("b", "sad"),
        example("c", speaker="anna"),
        example("d", "sad"),
    ]
    module = protocol(Fold("x", ("a", "b"), (), ("c", "d")))
    with pytest.raises(SplitError, match=r"(?s)on both sides.*anna.*shares_speakers_as"):
        make_folds(module, rows, Partial(select="last"))
    config = Partial(select="last", shares_speakers_as="a paper, Table 1")
    result = make_folds(module, rows, config)
    assert result.shared_speakers == ("anna",)
    assert result.shares_speakers_as == "a paper, Table 1"


def test_speaker_in_dev_and_test_is_on_both_sides_too() -> None:
    rows = [*FOUR, example("e", speaker="d")]
    with pytest.raises(SplitError, match="on both sides"):
        make_folds(protocol(Fold("x", ("a", "b"), ("e",), ("c", "d"))), rows, Partial())


def test_dev_may_share_speakers_with_train_only_where_the_protocol_says_so() -> None:
    rows = [*FOUR, example("e", speaker="a")]
    module = protocol(Fold("x", ("a", "b"), ("e",), ("c", "d")))
    with pytest.raises(SplitError, match="dev and train of fold x share speakers"):
        make_folds(module, rows, Partial())

    class Lenient(Partial):
        dev_shares_speakers = True

    assert make_folds(module, rows, Lenient()).dev_shares_speakers


def test_a_published_protocol_that_does_nothing_is_refused(make_crowd: Crowd) -> None:
    config = leave_speaker_out.Config(shares_speakers_as="a paper")
    with pytest.raises(SplitError, match="does nothing"):
        make_folds(leave_speaker_out, make_crowd(), config)


def test_unknown_speakers_count_as_shared() -> None:
    rows = [dataclasses.replace(row, speaker="") for row in FOUR]
    module = protocol(Fold("x", ("a", "b"), (), ("c", "d")))
    with pytest.raises(SplitError, match="cannot be shown"):
        make_folds(module, rows, Partial(select="last"))
    config = Partial(select="last", shares_speakers_as="the owners' lists")
    assert make_folds(module, rows, config).shared_speakers == ("",)


@pytest.mark.parametrize("nameless", ["a", "c"], ids=["in train", "in test"])
def test_one_unknown_speaker_is_enough(nameless: str) -> None:
    rows = [dataclasses.replace(row, speaker="") if row.id == nameless else row for row in FOUR]
    with pytest.raises(SplitError, match="cannot be shown"):
        make_folds(protocol(Fold("x", ("a", "b"), (), ("c", "d"))), rows, Partial(select="last"))


def test_fingerprint_is_the_same_on_file_systems_that_compose_and_that_decompose() -> None:
    prints = set()
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "é")
        module = protocol(Fold("x", (name, "b"), (), ("c", "d")))
        rows = [example(name), *FOUR[1:]]
        prints.add(make_folds(module, rows, Partial(select="last")).fingerprint)
    assert len(prints) == 1


def test_fingerprint_is_pinned() -> None:
    """A change of it is a change of version: every recorded number names its protocol by it."""
    name = unicodedata.normalize("NFD", "é")
    module = protocol(Fold("x", (name, "b"), (), ("d", "c")))
    rows = [example(name), *FOUR[1:]]
    text = r'{"select":"last","folds":[[[["b","sad"],["\u00e9","joy"]],[],[["c","joy"],["d","sad"]]]]}'
    expected = f"folds-v1:{hashlib.sha256(text.encode()).hexdigest()}"
    assert make_folds(module, rows, Partial(select="last")).fingerprint == expected


@pytest.mark.parametrize(
    ("config", "message"),
    [(SplitConfig(select="best"), "select"), (SplitConfig(select="last", shares_speakers_as="  "), "blanks")],  # type: ignore[arg-type]
)
def test_unknown_settings_are_refused(config: SplitConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_folds(protocol(), FOUR, config)


def test_a_config_of_another_kind_is_refused() -> None:
    with pytest.raises(PluginError, match="SplitConfig"):
        make_folds(protocol(), FOUR, object())


@pytest.mark.parametrize(("rows", "message"), [([], "nothing to split"), ([*FOUR, FOUR[0]], "not unique")])
def test_examples_without_sense_are_refused(rows: list[Example], message: str) -> None:
    with pytest.raises(SplitError, match=message):
        make_folds(protocol(), rows, LAST)


# What a user can get wrong, protocol by protocol


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 2.0])
def test_dev_share_is_a_share(make_crowd: Crowd, share: float) -> None:
    with pytest.raises(ConfigError, match="dev_share"):
        make_folds(leave_session_out, make_crowd(), leave_session_out.Config(dev_share=share))


def test_the_seed_and_the_fold_draw_the_dev_part(make_crowd: Crowd) -> None:
    rows = make_crowd()
    first, second = (
        make_folds(leave_session_out, rows, leave_session_out.Config(seed=seed)).folds for seed in (0, 1)
    )
    assert all(set(one.dev) != set(other.dev) for one, other in zip(first, second, strict=True))


def test_session_out_needs_sessions(make_crowd: Crowd) -> None:
    with pytest.raises(SplitError, match="needs the session"):
        make_folds(
            leave_session_out,
            [dataclasses.replace(e, session="") for e in make_crowd()],
            leave_session_out.Config(),
        )
    with pytest.raises(SplitError, match="too few sessions"):
        make_folds(leave_session_out, make_crowd(sessions=1), leave_session_out.Config())


def test_a_speaker_who_comes_back_in_another_session_is_found(make_crowd: Crowd) -> None:
    rows = [dataclasses.replace(e, speaker=e.speaker.replace("s2a", "s1a")) for e in make_crowd()]
    with pytest.raises(SplitError, match=r"(?s)session_1.*s1a"):
        make_folds(leave_session_out, rows, leave_session_out.Config())


def test_speaker_out_needs_speakers(make_crowd: Crowd) -> None:
    rows = make_crowd()
    rows[3] = dataclasses.replace(rows[3], speaker="")
    with pytest.raises(SplitError, match="needs the speaker"):
        make_folds(leave_speaker_out, rows, leave_speaker_out.Config())
    with pytest.raises(SplitError, match="too few speakers"):
        make_folds(leave_speaker_out, make_crowd(sessions=1), leave_speaker_out.Config())


def test_speaker_out_takes_the_next_speakers_around_the_corner(make_crowd: Crowd) -> None:
    folds = make_folds(
        leave_speaker_out, make_crowd(sessions=3), leave_speaker_out.Config(dev_speakers=2)
    ).folds
    dev = {fold.name: {i.split("_")[0] for i in fold.dev} for fold in folds}
    assert dev["speaker_s1a"] == {"s1b", "s2a"}
    assert dev["speaker_s2a"] == {"s2b", "s3a"}
    assert dev["speaker_s3b"] == {"s1a", "s1b"}


def test_same_session_takes_the_partner(make_crowd: Crowd) -> None:
    config = leave_speaker_out.Config(dev="same_session")
    for fold in make_folds(leave_speaker_out, make_crowd(), config).folds:
        test, dev = fold.test[0].split("_")[0], {i.split("_")[0] for i in fold.dev}
        assert dev == {test[:-1] + ("b" if test[-1] == "a" else "a")}
        assert not any(i.startswith(test[:-1]) for i in fold.train)


def test_same_session_needs_a_partner(make_crowd: Crowd) -> None:
    rows = [e for e in make_crowd() if e.speaker != "s2b"]
    with pytest.raises(SplitError, match=r"(?s)s2a.*dev=next"):
        make_folds(leave_speaker_out, rows, leave_speaker_out.Config(dev="same_session"))


@pytest.mark.parametrize(
    "config", [leave_speaker_out.Config(dev="first"), leave_speaker_out.Config(dev_speakers=0)]
)  # type: ignore[arg-type]
def test_dev_speakers_are_chosen_by_a_known_rule(make_crowd: Crowd, config: leave_speaker_out.Config) -> None:
    with pytest.raises(ConfigError, match=r"split\.dev"):
        make_folds(leave_speaker_out, make_crowd(), config)


def test_kfold_is_eighty_ten_ten(make_crowd: Crowd) -> None:
    config = random_kfold.Config(shares_speakers_as="a paper")
    folds = make_folds(random_kfold, make_crowd(), config).folds
    assert [(len(f.train), len(f.dev), len(f.test)) for f in folds] == [(96, 12, 12)] * 10
    for fold, following in zip(folds, [*folds[1:], folds[0]], strict=True):
        assert set(fold.dev) == set(following.test)
    other = make_folds(random_kfold, make_crowd(), dataclasses.replace(config, seed=1)).folds
    assert {f.test for f in folds} != {f.test for f in other}


@pytest.mark.parametrize(("folds", "select"), [(2, "dev"), (1, "last")])
def test_kfold_needs_folds(make_crowd: Crowd, folds: int, select: Any) -> None:
    with pytest.raises(ConfigError, match="folds"):
        make_folds(random_kfold, make_crowd(), random_kfold.Config(folds=folds, select=select))


def test_kfold_needs_examples() -> None:
    with pytest.raises(SplitError, match="fewer examples than folds"):
        make_folds(random_kfold, FOUR, random_kfold.Config(shares_speakers_as="a paper"))


def test_official_takes_the_lists(make_crowd: Crowd) -> None:
    rows = [dataclasses.replace(e, split="dev") if e.session == "4" else e for e in make_crowd()]
    (fold,) = make_folds(official, rows, official.Config()).folds
    assert {i[1] for i in fold.test} == {"5"}
    assert {i[1] for i in fold.dev} == {"4"}
    (fold,) = make_folds(official, rows, official.Config(select="last")).folds
    assert {i[1] for i in fold.train} == {"1", "2", "3", "4"}


def test_official_without_dev_list_needs_a_share(make_crowd: Crowd) -> None:
    with pytest.raises(SplitError, match=r"dev_share=0\.1"):
        make_folds(official, make_crowd(), official.Config())
    (fold,) = make_folds(official, make_crowd(), official.Config(dev_share=0.1)).folds
    assert (len(fold.train), len(fold.dev), len(fold.test)) == (86, 10, 24)
    assert make_folds(official, make_crowd(), official.Config(select="test")).folds[0].dev == ()


def test_official_refuses_a_share_that_does_nothing(make_crowd: Crowd) -> None:
    rows = [dataclasses.replace(e, split="dev") if e.session == "4" else e for e in make_crowd()]
    with pytest.raises(ConfigError, match="do nothing"):
        make_folds(official, rows, official.Config(dev_share=0.1))


def test_official_leaves_out_what_no_list_names_and_says_so(make_crowd: Crowd) -> None:
    rows = [dataclasses.replace(e, split="dev") if e.session == "4" else e for e in make_crowd()]
    whole = make_folds(official, rows, official.Config())
    strays = [dataclasses.replace(e, id=f"stray-{e.id}", split="") for e in rows[:13]]
    folds = make_folds(official, [*strays, *rows], official.Config())  # 13 of 133 are below a tenth
    assert folds.folds == whole.folds
    assert folds.fingerprint == whole.fingerprint
    assert folds.warnings == ("13 examples in none of the owners' lists are left out",)
    assert whole.warnings == ()


def test_official_refuses_many_strays_and_unknown_lists(make_crowd: Crowd) -> None:
    rows = [dataclasses.replace(e, split="dev") if e.session == "4" else e for e in make_crowd()]
    strays = [dataclasses.replace(e, id=f"stray-{e.id}", split="") for e in rows[:14]]
    with pytest.raises(SplitError, match=r"(?s)14 of 134 in none, first stray.*unlisted_share"):
        make_folds(official, [*strays, *rows], official.Config())
    assert make_folds(official, [*strays, *rows], official.Config(unlisted_share=0.2)).folds
    with pytest.raises(SplitError, match=r"(?s)'test9': 1.*leave_out=\[test9\]"):
        make_folds(official, [dataclasses.replace(rows[0], split="test9"), *rows[1:]], official.Config())
    with pytest.raises(ConfigError, match="unlisted_share is no share"):
        make_folds(official, rows, official.Config(unlisted_share=-0.1))
    nowhere = [dataclasses.replace(e, split="") for e in rows]
    with pytest.raises(SplitError, match="not every example"):
        make_folds(official, nowhere, official.Config())


shares = st.floats(0.05, 0.9)
seeds = st.integers(0, 2**31)


@given(share=shares, seed=seeds, order=st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_random_dev_is_the_share_of_the_rest_in_any_order(share: float, seed: int, order: Any) -> None:
    rows = [
        Example(f"{s}-{n}", (f"{s}-{n}",), "ab"[n % 2], f"v{s}", str(s)) for s in range(3) for n in range(40)
    ]
    config = leave_session_out.Config(dev_share=share, seed=seed)
    folds = list(leave_session_out.split(rows, config))
    mixed = list(leave_session_out.split(order.sample(rows, len(rows)), config))
    for fold, other in zip(folds, mixed, strict=True):
        assert len(fold.train) == int((1 - share) * 80 + 1e-9)
        assert len(fold.train) + len(fold.dev) == 80
        assert set(fold.dev) == set(other.dev)


@given(count=st.integers(10, 200), folds=st.integers(3, 10), seed=seeds)
@settings(max_examples=30)
def test_kfold_is_a_partition_of_even_sizes(count: int, folds: int, seed: int) -> None:
    rows = [example(f"u{n}") for n in range(count)]
    result = list(random_kfold.split(rows, random_kfold.Config(folds=folds, seed=seed)))
    assert sorted(i for fold in result for i in fold.test) == sorted(row.id for row in rows)
    assert {len(fold.test) for fold in result} <= {count // folds, -(-count // folds)}
    assert all(not set(fold.dev) & set(fold.test) for fold in result)
