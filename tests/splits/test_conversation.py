"""The held-out speaker's conversations stay out of training; where a publication lets them in, it is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from harness.audit import audit_split
from harness.contracts import Example, Splitter
from harness.errors import ConfigError, SplitError
from harness.splits import Folds, conversation, leave_session_out, leave_speaker_out, make_folds, random_kfold
from harness.splits.conversation import Config

VARIANTS = ["no_dialogue_leak", "as_published"]


@pytest.fixture
def talk(make_crowd: Callable[..., list[Example]]) -> list[Example]:
    """The crowd, every example reading what two people say in its dialogue."""
    roles = ("speaker", "interlocutor")
    return [replace(one, utterances=(f"{one.id}x", f"{one.id}y"), roles=roles) for one in make_crowd()]


def folds_of(examples: list[Example], **settings: Any) -> Folds:
    return make_folds(cast(Splitter, conversation), examples, Config(**settings))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("select", ["dev", "test", "last"])
def test_every_speaker_is_tested_once_with_all_turns(talk: list[Example], variant: str, select: str) -> None:
    folds = folds_of(talk, variant=variant, select=select).folds
    speakers = sorted({one.speaker for one in talk})
    assert [fold.name for fold in folds] == [f"speaker_{name}" for name in speakers]
    for fold, speaker in zip(folds, speakers, strict=True):
        assert set(fold.test) == {one.id for one in talk if one.speaker == speaker}
        assert bool(fold.dev) == (select == "dev")


@pytest.mark.parametrize("select", ["dev", "test", "last"])
def test_by_default_nothing_of_the_tested_sessions_trains_or_selects(
    talk: list[Example], select: str
) -> None:
    by_id = {one.id: one for one in talk}
    result = folds_of(talk, select=select)
    for fold in result.folds:
        tested = [by_id[i] for i in fold.test]
        fitted = [by_id[i] for i in (*fold.train, *fold.dev)]
        assert not {one.session for one in tested} & {one.session for one in fitted}
        assert not {one.dialogue for one in tested} & {one.dialogue for one in fitted}
        assert len(fitted) == sum(one.session != tested[0].session for one in talk)
    assert not result.shared_dialogues
    assert not result.shares_dialogues_as


def test_the_partners_other_dialogues_stay_out_too(talk: list[Example]) -> None:
    """The held-out voice may be heard in dialogues of its session in which it has no target."""
    apart = [replace(one, dialogue=f"{one.dialogue}{one.speaker[-1]}") for one in talk]
    by_id = {one.id: one for one in apart}
    for fold in folds_of(apart).folds:
        tested, fitted = ({by_id[i].session for i in part} for part in (fold.test, (*fold.train, *fold.dev)))
        assert not tested & fitted


@pytest.mark.parametrize("variant", VARIANTS)
def test_dev_is_a_fifth_of_the_training_dialogues_and_shares_none_with_train(
    talk: list[Example], variant: str
) -> None:
    by_id = {one.id: one for one in talk}
    for fold in folds_of(talk, variant=variant).folds:
        train, dev = ({by_id[i].dialogue for i in part} for part in (fold.train, fold.dev))
        assert not train & dev
        assert len(dev) == len(train | dev) - int(0.8 * len(train | dev))


def test_dev_is_drawn_anew_for_every_fold_and_seed(talk: list[Example]) -> None:
    one, again, other = (folds_of(talk, seed=seed).folds for seed in (0, 0, 1))
    assert one == again
    assert [fold.dev for fold in one] != [fold.dev for fold in other]
    assert [fold.test for fold in one] == [fold.test for fold in other]


def test_as_published_everybody_else_trains_and_it_is_said(talk: list[Example]) -> None:
    result = folds_of(talk, variant="as_published")
    everybody = {one.id for one in talk}
    for fold in result.folds:
        assert {*fold.train, *fold.dev, *fold.test} == everybody
    assert result.shared_dialogues == tuple(sorted({one.dialogue for one in talk}))
    assert "Table 6" in result.shares_dialogues_as
    assert not result.shared_speakers
    audit = audit_split(result, talk, sorted({one.target for one in talk})).to_dict()
    assert audit["shares_dialogues_as"] == result.shares_dialogues_as
    assert audit["folds"][0]["shared_dialogues"]["train/test"]
    assert not audit["folds"][0]["shared_speakers"]["train/test"]


@pytest.mark.parametrize(
    ("module", "settings"),
    [
        (random_kfold, random_kfold.Config(shares_speakers_as="a paper")),
        (leave_speaker_out, leave_speaker_out.Config()),
    ],
)
def test_other_protocols_may_not_share_dialogues(talk: list[Example], module: Any, settings: Any) -> None:
    with pytest.raises(SplitError, match="dialogue"):
        make_folds(module, talk, settings)


def test_protocols_by_session_share_none_and_say_where_dev_does(talk: list[Example]) -> None:
    result = make_folds(cast(Splitter, leave_session_out), talk, leave_session_out.Config())
    assert not result.shared_dialogues
    assert any("dev and train share dialogues in 5 of 5" in line for line in result.warnings)


def test_examples_of_single_utterances_share_no_dialogue(make_crowd: Callable[..., list[Example]]) -> None:
    """They read their own utterance only, whoever else talks in its dialogue."""
    result = make_folds(cast(Splitter, leave_speaker_out), make_crowd(), leave_speaker_out.Config())
    assert not result.shared_dialogues
    assert not any("dialogue" in line for line in result.warnings)


@pytest.mark.parametrize("field", ["session", "dialogue", "speaker"])
def test_nameless_examples_are_refused(talk: list[Example], field: str) -> None:
    talk[3] = replace(talk[3], **{field: ""})
    with pytest.raises(SplitError, match=field):
        folds_of(talk)


def test_one_session_leaves_nothing_to_train_on(talk: list[Example]) -> None:
    with pytest.raises(SplitError, match="too few dialogues are left"):
        folds_of([one for one in talk if one.session == "1"])


def test_settings_are_checked(talk: list[Example]) -> None:
    with pytest.raises(ConfigError, match=r"split\.variant"):
        folds_of(talk, variant="leaky")
    with pytest.raises(ConfigError, match="dev_share"):
        folds_of(talk, dev_share=1.5)
