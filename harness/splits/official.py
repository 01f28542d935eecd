"""The fixed lists of a corpus' owners: one fold, parts as the manifest names them.

Where the owners give no dev list, `dev_share` takes one at random from train, as emotion2vec does for RESD
(arXiv 2312.15185, Table 4: 1,116 / 280 utterances, 10 % of train as dev).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.splits._config import SplitConfig
from harness.splits._parts import cut, draw_dev

PARTS = ("train", "dev", "test")


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Settings of the protocol."""

    dev_share: float | None = None
    """Share of train that becomes dev; only where the owners give no dev list."""

    seed: int = 0
    """Draws the dev part."""

    tests_everything: ClassVar[bool] = False
    dev_shares_speakers: ClassVar[bool] = True


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """The one fold of the owners' lists.

    Raises:
        SplitError: an example is in no list, or there is no dev list and no `dev_share`.
        ConfigError: `dev_share` is set although there is a dev list, or is no share.
    """
    _check_lists(examples)
    listed = {part: [e.id for e in examples if e.split == part] for part in PARTS}
    ids = [example.id for example in examples]
    dev = _dev(listed, config) if config.wants_dev else frozenset()
    yield cut("official", ids, test=listed["test"], dev=dev, config=config)


def _check_lists(examples: list[Example]) -> None:
    strays = [example for example in examples if example.split not in PARTS]
    if strays:
        counts = Counter(example.split or "(none)" for example in strays)
        raise SplitError(
            "not every example is in an official list",
            got=f"{len(strays)} of {len(examples)} elsewhere {dict(counts)}, first {strays[0].id}",
            wanted=f"one of {', '.join(PARTS)} for each",
            next_step="choose another protocol: this corpus has no official lists, or they do not cover it",
        )


def _dev(listed: dict[str, list[str]], config: Config) -> frozenset[str]:
    if listed["dev"] and config.dev_share is not None:
        raise ConfigError(
            "split.dev_share would do nothing: the owners give a dev list",
            got=config.dev_share,
            wanted=f"no dev_share; the dev list has {len(listed['dev'])} examples",
            next_step="remove split.dev_share",
        )
    if listed["dev"]:
        return frozenset(listed["dev"])
    if config.dev_share is None:
        raise SplitError(
            "the owners give no dev list",
            wanted="a dev list, or the share of train to take one from",
            next_step="set split.dev_share=0.1, or split.select=last for no dev part",
        )
    return draw_dev(listed["train"], share=config.dev_share, seed=config.seed, fold=0)
