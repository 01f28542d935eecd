"""Speakers in three parts: some train, some are dev, some are tested, once.

Decoding Emotions (arXiv 2308.08713; 95anantsingh/Decoding-Emotions v1.5) splits 60 / 20 / 20 by speakers. Its
lists are not published; the sizes that its logs give away fit whole speakers, for IEMOCAP only the first word
of the utterance id (`Ses01F`), which names the actor who wears the markers and not the one who speaks: both
actors of a session are then in both of its parts, and the recipe has to name the publication.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.splits._config import SplitConfig, check_share
from harness.splits._parts import cut, group_values, too_few

GROUPINGS = ("speaker", "id_prefix")


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Settings of the protocol: for each part either its speakers, or the share of speakers to draw."""

    test_speakers: list[str] = field(default_factory=list)
    """Who is tested; empty where a share is drawn."""

    test_share: float | None = None
    """Share of the speakers, rounded, one at least."""

    dev_speakers: list[str] = field(default_factory=list)
    """Who is dev; empty where a share is drawn."""

    dev_share: float | None = None
    """Share of the speakers, rounded, one at least."""

    seed: int = 0
    """Draws what is not listed."""

    by: Literal["speaker", "id_prefix"] = "speaker"
    """`speaker`: the speakers of the corpus; `id_prefix`: the part of the id before its first underscore."""

    tests_everything: ClassVar[bool] = False
    dev_shares_speakers: ClassVar[bool] = True


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """The one fold; membership depends on the names and the seed, not on the order of the examples.

    Raises:
        SplitError: an example has no speaker, a listed speaker is not there, or too few are left to train.
        ConfigError: a part is given both ways or neither, a speaker is in two parts, or a share is none.
    """
    _check(config)
    groups = _groups(examples, config)
    names = sorted(set(groups.values()))
    test = _listed(config.test_speakers, names, "test_speakers")
    dev = _listed(config.dev_speakers, names, "dev_speakers")
    drawn = iter(_drawn([name for name in names if name not in test | dev], config.seed))
    test |= _take(drawn, len(names), config.test_share)
    if config.wants_dev:
        dev |= _take(drawn, len(names), config.dev_share)
    if len(names) <= len(test | dev):
        raise too_few("speaker", len(names), len(test | dev) + 1)
    ids = [example.id for example in examples]
    yield cut(
        "speakers",
        ids,
        test={i for i in ids if groups[i] in test},
        dev={i for i in ids if groups[i] in dev},
        config=config,
    )


def _groups(examples: Sequence[Example], config: Config) -> dict[str, str]:
    if config.by == "speaker":
        group_values(examples, "speaker")
        return {example.id: example.speaker for example in examples}
    return {example.id: example.id.partition("_")[0] for example in examples}


def _listed(listed: Sequence[str], names: Sequence[str], setting: str) -> set[str]:
    strange = [name for name in listed if name not in names]
    if strange:
        raise SplitError(
            f"split.{setting} names speakers who are not there",
            got=", ".join(strange),
            wanted=f"among {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}",
            next_step="read the whole corpus, or mend the list",
        )
    return set(listed)


def _drawn(names: Sequence[str], seed: int) -> list[str]:
    """The names in a random order that never changes between versions of numpy."""
    import numpy as np

    return [names[i] for i in np.random.RandomState(seed).permutation(len(names))]


def _take(drawn: Iterator[str], count: int, share: float | None) -> set[str]:
    if share is None:
        return set()
    return {name for _, name in zip(range(max(1, round(share * count))), drawn, strict=False)}


def _check(config: Config) -> None:
    if config.by not in GROUPINGS:
        raise ConfigError(
            "split.by names no grouping",
            got=repr(config.by),
            wanted=f"one of {', '.join(GROUPINGS)}",
            next_step="set split.by=speaker",
        )
    for part in ("test", "dev"):
        listed, share = getattr(config, f"{part}_speakers"), getattr(config, f"{part}_share")
        if bool(listed) == (share is not None):
            raise ConfigError(
                f"split.{part}_speakers and split.{part}_share are {'both' if listed else 'neither'} set",
                got=f"{part}_speakers {listed}, {part}_share {share}",
                wanted="one of the two",
                next_step=f"set split.{part}_share={'null' if listed else '0.2'}",
            )
        if share is not None:
            check_share(share, f"{part}_share")
    both = sorted(set(config.test_speakers) & set(config.dev_speakers))
    if both:
        raise ConfigError(
            "a speaker is listed as test and as dev",
            got=", ".join(both),
            wanted="each in one part",
            next_step="mend split.test_speakers or split.dev_speakers",
        )
