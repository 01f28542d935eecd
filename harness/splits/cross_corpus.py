"""One corpus is tested as a whole; the others train, and a share of their speakers selects.

Nothing of the tested corpus is seen before it is predicted: the dev part is taken from the corpora that train, so
that what is selected is selected for them. The field's cross-corpus protocol (Schuller et al. 2010, Cross-corpus
acoustic emotion recognition, IEEE Transactions on Affective Computing 1(2), 119-131), with a dev part of its own.

Speakers and recordings that two corpora share are refused as in every protocol, unless a publication is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.joint import corpus_of
from harness.splits._config import SplitConfig, check_share
from harness.splits._parts import cut, draw_dev, group_values

DEV_RULES = ("speaker", "utterance")


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Settings of the protocol; which corpora train and which is tested is the recipe's `train` and `corpus`."""

    test: str = ""
    """The corpus that is tested."""

    dev_share: float = 0.2
    """Share of the speakers of each corpus that trains, rounded, one at least."""

    dev_by: Literal["speaker", "utterance"] = "speaker"
    """`utterance` for corpora that do not name their speakers: dev and train then share them."""

    seed: int = 0
    """Draws the dev part."""

    tests_everything: ClassVar[bool] = False
    names_publication: ClassVar[bool] = True
    sides_are_apart: ClassVar[bool] = True
    dev_shares_speakers: ClassVar[bool] = True


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """The one fold; membership depends on the names and the seed, not on the order of the examples.

    Raises:
        SplitError: nothing trains or nothing is tested, or too few speakers train for a dev part.
        ConfigError: a share that is none, or a rule that nobody knows.
    """
    _check(config)
    owner = {example.id: corpus_of(example.utterances[-1]) for example in examples}
    training = sorted(set(owner.values()) - {config.test})
    if not training or config.test not in owner.values():
        raise _one_sided(sorted(set(owner.values())), config.test)
    dev: set[str] = set()
    for number, corpus in enumerate(training if config.wants_dev else []):
        dev |= _dev([example for example in examples if owner[example.id] == corpus], config, number)
    test = {name for name, corpus in owner.items() if corpus == config.test}
    yield cut(f"{'_and_'.join(training)}_to_{config.test}", list(owner), test=test, dev=dev, config=config)


def remarks(examples: list[Example], config: Config) -> Iterator[str]:  # noqa: ARG001  as all protocols are asked
    """That dev shares its speakers with train, where it does."""
    if config.wants_dev and config.dev_by == "utterance":
        yield "the dev part is drawn by utterance: it shares speakers with train"


def _dev(examples: Sequence[Example], config: Config, number: int) -> set[str]:
    """The dev part of one corpus."""
    if config.dev_by == "utterance":
        ids = [example.id for example in examples]
        return set(draw_dev(ids, share=config.dev_share, seed=config.seed, fold=number))
    speakers = _dev_speakers(examples, config, number)
    return {example.id for example in examples if example.speaker in speakers}


def _dev_speakers(examples: Sequence[Example], config: Config, number: int) -> set[str]:
    """Speakers in a random order, those passed over without whom a class would have nobody left to train."""
    import numpy as np

    names = _named(examples)
    wanted = max(1, round(config.dev_share * len(names)))
    left = Counter(example.target for example in examples)
    chosen: set[str] = set()
    for place in np.random.RandomState([config.seed, number]).permutation(len(names)):
        said = Counter(example.target for example in examples if example.speaker == names[place])
        if len(chosen) < wanted and all(left[target] > count for target, count in said.items()):
            chosen.add(names[place])
            left -= said
    if not chosen:
        raise _nobody(names)
    return chosen


def _named(examples: Sequence[Example]) -> list[str]:
    """The speakers of a corpus.

    Raises:
        SplitError: it does not name them all.
    """
    try:
        return group_values(examples, "speaker")
    except SplitError as fault:
        raise SplitError(
            f"{corpus_of(examples[0].utterances[-1])} does not name all its speakers, so that none can be dev",
            got=fault.got,
            wanted=fault.wanted,
            next_step="set split.dev_by=utterance, or split.select=last head.layer=K, which needs no dev part",
        ) from fault


def _nobody(names: Sequence[str]) -> SplitError:
    return SplitError(
        "no speaker can be dev: without any of them a class would have nobody to train on",
        got=f"{len(names)} speaker{'' if len(names) == 1 else 's'}",
        wanted="two speakers or more of every class",
        next_step="set split.dev_by=utterance, or split.select=last head.layer=K, which needs no dev part",
    )


def _one_sided(corpora: Sequence[str], test: str) -> SplitError:
    return SplitError(
        "a cross-corpus protocol needs a corpus that trains and another one that is tested",
        got=", ".join(corpora) or "no examples",
        wanted=f"{test or 'the tested corpus'} and at least one other",
        next_step="python -m harness cross corpora=[A,B] roots.A=DIR roots.B=DIR",
    )


def _check(config: Config) -> None:
    check_share(config.dev_share)
    if config.dev_by not in DEV_RULES:
        raise ConfigError(
            "split.dev_by names no rule",
            got=repr(config.dev_by),
            wanted=f"one of {', '.join(DEV_RULES)}",
            next_step="set split.dev_by=speaker",
        )
