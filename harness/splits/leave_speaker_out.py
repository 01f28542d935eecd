"""Leave one speaker out: every speaker is tested once, another one selects the model.

The underlined rows of emotion2vec, Table 2 (arXiv 2312.15185): ten speakers of IEMOCAP as 8 / 1 / 1. The
paper does not say who the dev speaker is; for a corpus recorded in pairs, `dev: same_session` takes the
partner of the test speaker, so that no one in train has ever talked to the one in test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.splits._config import SplitConfig
from harness.splits._parts import cut, group_values, too_few

DEV_RULES = ("next", "same_session")


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Settings of the protocol."""

    dev: Literal["next", "same_session"] = "next"
    """`next`: the speakers that follow in alphabetical order, from the last back to the first;
    `same_session`: those among them who share a session with the test speaker."""

    dev_speakers: int = 1
    """How many speakers are dev."""


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """One fold per speaker, speakers in alphabetical order.

    Membership depends on the names alone, not on the order of the examples.

    Raises:
        SplitError: an example has no speaker, or there are too few speakers.
        ConfigError: a setting of the dev part is not one of those known.
    """
    _check(config)
    speakers = group_values(examples, "speaker")
    needed = 2 + (config.dev_speakers if config.wants_dev else 0)
    if len(speakers) < needed:
        raise too_few("speaker", len(speakers), needed)
    ids = [example.id for example in examples]
    for index, speaker in enumerate(speakers):
        others = speakers[index + 1 :] + speakers[:index]
        chosen = _dev_speakers(speaker, others, examples, config) if config.wants_dev else frozenset()
        test = {example.id for example in examples if example.speaker == speaker}
        dev = {example.id for example in examples if example.speaker in chosen}
        yield cut(f"speaker_{speaker}", ids, test=test, dev=dev, config=config)


def _check(config: Config) -> None:
    if config.dev not in DEV_RULES:
        raise ConfigError(
            "split.dev names no rule for the dev speakers",
            got=repr(config.dev),
            wanted=f"one of {', '.join(DEV_RULES)}",
            next_step="set split.dev=next",
        )
    if config.dev_speakers < 1:
        raise ConfigError(
            "split.dev_speakers is not a number of speakers",
            got=config.dev_speakers,
            wanted="1 or more",
            next_step="set split.dev_speakers=1, or split.select=last for no dev part",
        )


def _dev_speakers(speaker: str, others: list[str], examples: list[Example], config: Config) -> frozenset[str]:
    candidates = others
    if config.dev == "same_session":
        partners = _partners(speaker, examples)
        candidates = [other for other in others if other in partners]
    if len(candidates) < config.dev_speakers:
        raise SplitError(
            f"the session of speaker {speaker} holds too few other speakers for a dev part",
            got=f"{len(candidates)} other speaker(s) in the same session",
            wanted=f"at least {config.dev_speakers}",
            next_step="set split.dev=next",
        )
    return frozenset(candidates[: config.dev_speakers])


def _partners(speaker: str, examples: list[Example]) -> set[str]:
    group_values(examples, "session")
    sessions = {example.session for example in examples if example.speaker == speaker}
    return {example.speaker for example in examples if example.session in sessions} - {speaker}
