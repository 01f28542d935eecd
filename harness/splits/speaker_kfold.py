"""Folds of whole speakers with the genders dealt out evenly: test is fold i, dev is fold i + 1, the rest trains.

The honest counterpart of random folds where a corpus has many speakers with few utterances each (RAVDESS: 23
singers, 44 songs each): nobody who is tested was heard in training, and no fold tests men or women alone. Which
speakers share a fold is drawn; emotion2vec (arXiv 2312.15185) has no such protocol, so that the draw is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.splits._config import SplitConfig
from harness.splits._parts import cut, group_values, too_few


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Settings of the protocol."""

    folds: int = 5
    """Number of folds."""

    seed: int = 0
    """Draws which speakers share a fold."""


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """`config.folds` folds; their numbers of speakers differ by one at most, and so do those of each gender.

    Membership depends on the speakers, their genders and the seed alone, not on the order of the examples.

    Raises:
        SplitError: an example has no speaker, a speaker has two genders, or there are fewer speakers than folds.
        ConfigError: too few folds for the parts.
    """
    _check(config)
    speakers = group_values(examples, "speaker")
    if len(speakers) < config.folds:
        raise too_few("speaker", len(speakers), config.folds)
    hands = _dealt(_genders(examples), config)
    ids = [example.id for example in examples]
    width = len(str(config.folds))
    for index, tested in enumerate(hands):
        watched = hands[(index + 1) % len(hands)]
        yield cut(
            f"fold_{index + 1:0{width}d}",
            ids,
            test={example.id for example in examples if example.speaker in tested},
            dev={example.id for example in examples if example.speaker in watched},
            config=config,
        )


def remarks(examples: Sequence[Example], config: Config) -> tuple[str, ...]:
    """Where a fold lacks a gender, or the corpus does not say them."""
    genders = _genders(examples)
    unknown = sum(not gender for gender in genders.values())
    said = [f"the gender of {unknown} of {len(genders)} speakers is not known"] if unknown else []
    hands = _dealt(genders, config)
    for gender in sorted({gender for gender in genders.values() if gender}):
        lacking = sum(all(genders[speaker] != gender for speaker in hand) for hand in hands)
        said += [f"{lacking} of {len(hands)} folds have no {gender} speaker"] if lacking else []
    return tuple(said)


def _genders(examples: Sequence[Example]) -> dict[str, str]:
    """Speaker -> gender, speakers in alphabetical order.

    Raises:
        SplitError: a speaker has two.
    """
    pairs = sorted({(example.speaker, example.gender) for example in examples})
    genders = dict(pairs)
    if len(genders) < len(pairs):
        torn = next(speaker for speaker, gender in pairs if gender != genders[speaker])
        raise SplitError(
            "a speaker has two genders",
            got=f"speaker {torn}: {', '.join(gender or 'unknown' for who, gender in pairs if who == torn)}",
            wanted="one gender, or none, for all utterances of a speaker",
            next_step="mend the corpus module, or choose another protocol",
        )
    return genders


def _dealt(genders: dict[str, str], config: Config) -> list[set[str]]:
    """The speakers, one gender after the other and each in random order, dealt to the folds like cards."""
    import numpy as np

    chance = np.random.RandomState(config.seed)
    order: list[str] = []
    for gender in sorted(set(genders.values())):
        same = [speaker for speaker, other in genders.items() if other == gender]
        order += [same[i] for i in chance.permutation(len(same))]
    return [set(order[fold :: config.folds]) for fold in range(config.folds)]


def _check(config: Config) -> None:
    fewest = 3 if config.wants_dev else 2
    if config.folds < fewest:
        raise ConfigError(
            "split.folds is too small for the parts",
            got=config.folds,
            wanted=f"{fewest} or more with split.select={config.select}",
            next_step="set split.folds=5",
        )
