"""Random folds over utterances, speakers mixed: test is fold i, dev is fold i + 1 or a share, the rest trains.

With ten folds this is 80 / 10 / 10, the "random leave-one-out 10-fold" of emotion2vec, Tables 3 and 4 (arXiv
2312.15185). The paper does not say how it drew them; here they are scikit-learn's shuffled KFold, not
stratified. Where a protocol has five folds (Table 5), the next fold would be too much: `dev_share` takes a
share of the other folds instead. A speaker is on both sides, so a recipe has to name the publication it
follows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.splits._config import SplitConfig
from harness.splits._parts import cut, draw_dev


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Settings of the protocol."""

    folds: int = 10
    """Number of folds."""

    seed: int = 0
    """Shuffles the ids before they are cut, and draws the share."""

    dev_share: float | None = None
    """Share of the other folds that is dev; null: the next fold is."""

    dev_shares_speakers: ClassVar[bool] = True


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """`config.folds` folds; their sizes differ by one at most.

    The ids are sorted before they are shuffled: membership depends on the ids and the seed alone, not on
    the order of the examples.

    Raises:
        SplitError: there are fewer examples than folds.
        ConfigError: too few folds for the parts, or `dev_share` is no share.
    """
    _check(config, len(examples))
    ids = [example.id for example in examples]
    chunks = _chunks(sorted(ids), config)
    width = len(str(config.folds))
    for index, test in enumerate(chunks):
        dev = _dev(chunks, index, config)
        yield cut(f"fold_{index + 1:0{width}d}", ids, test=test, dev=dev, config=config)


def _chunks(ids: list[str], config: Config) -> list[list[str]]:
    from sklearn.model_selection import KFold

    folds = KFold(n_splits=config.folds, shuffle=True, random_state=config.seed)
    return [[ids[i] for i in test] for _, test in folds.split(ids)]


def _dev(chunks: list[list[str]], index: int, config: Config) -> Collection[str]:
    if config.dev_share is None:
        return chunks[(index + 1) % len(chunks)]
    others = [i for other, chunk in enumerate(chunks) if other != index for i in chunk]
    return draw_dev(others, share=config.dev_share, seed=config.seed, fold=index)


def _check(config: Config, count: int) -> None:
    fewest = 3 if config.wants_dev and config.dev_share is None else 2
    if config.folds < fewest:
        raise ConfigError(
            "split.folds is too small for the parts",
            got=config.folds,
            wanted=f"{fewest} or more with split.select={config.select}",
            next_step="set split.folds=10",
        )
    if count < config.folds:
        raise SplitError(
            "there are fewer examples than folds",
            got=f"{count} examples",
            wanted=f"at least {config.folds}",
            next_step="set split.folds lower, or read the whole corpus",
        )
