"""The fixed lists of a corpus' owners: one fold, parts as the manifest names them.

Some owners give several test lists (MSP-Podcast, MER2023): `test` says which one is tested, and `leave_out` which
ones are used for nothing.

Label files can name more than the lists do: CMU-MOSEI's hold up to 23,453 segments, its lists 22,856. Such rows
belong to no part; while they are few they are left out and told, and the owners' parts stay what they are.

Where the owners give no dev list, `dev_share` takes one at random from train, as emotion2vec does for RESD
(arXiv 2312.15185, Table 4: 1,116 / 280 utterances, 10 % of train as dev).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.splits._config import SplitConfig
from harness.splits._parts import cut, draw_dev


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Settings of the protocol."""

    test: str = "test"
    """The owners' part that is tested."""

    leave_out: list[str] = field(default_factory=list)
    """Parts of the owners that are neither trained on nor tested."""

    unlisted_share: float = 0.1
    """Examples in no list are left out and told up to this share of all; with more, the lists are not trusted."""

    dev_share: float | None = None
    """Share of train that becomes dev; only where the owners give no dev list."""

    seed: int = 0
    """Draws the dev part."""

    names_publication: ClassVar[bool] = True
    tests_everything: ClassVar[bool] = False
    dev_shares_speakers: ClassVar[bool] = True


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """The one fold of the owners' lists.

    Raises:
        SplitError: an example is in another list, too many are in none, or there is no dev list and no
            `dev_share`.
        ConfigError: `dev_share` is set although there is a dev list, or is no share; a part that is left out is
            used, or is not there; or `unlisted_share` is not from 0 to 1.
    """
    _check_settings(examples, config)
    used = [example for example in examples if example.split and example.split not in config.leave_out]
    _check_lists(used, config)
    _check_unlisted(examples, config)
    listed = {part: [e.id for e in used if e.split == part] for part in ("train", "dev", config.test)}
    ids = [example.id for example in used]
    dev = _dev(listed, config) if config.wants_dev else frozenset()
    yield cut("official", ids, test=listed[config.test], dev=dev, config=config)


def remarks(examples: Sequence[Example], config: Config) -> tuple[str, ...]:
    """How many examples are used for nothing."""
    counts = Counter(example.split for example in examples)
    unlisted = (f"{counts['']} examples in none of the owners' lists are left out",) if counts[""] else ()
    return (
        *(f"{counts[part]} examples of the owners' part {part} are left out" for part in config.leave_out),
        *unlisted,
    )


def _check_settings(examples: list[Example], config: Config) -> None:
    parts = sorted({example.split for example in examples if example.split})
    absent = [part for part in config.leave_out if part not in parts]
    used = [part for part in config.leave_out if part in ("train", "dev", config.test)]
    if absent or used or config.test in ("train", "dev"):
        raise ConfigError(
            "split.test and split.leave_out do not fit the owners' lists",
            got=f"test {config.test}, leave_out {config.leave_out}",
            wanted=f"test: a test list; leave_out: others than train, dev and test, of {', '.join(parts)}",
            next_step="mend split.test or split.leave_out",
        )


def _check_lists(examples: list[Example], config: Config) -> None:
    parts = ("train", "dev", config.test)
    strays = [example for example in examples if example.split not in parts]
    if strays:
        counts = Counter(example.split for example in strays)
        raise SplitError(
            "not every example is in an official list",
            got=f"{len(strays)} of {len(examples)} elsewhere {dict(counts)}, first {strays[0].id}",
            wanted=f"one of {', '.join(parts)} for each",
            next_step=f"leave lists out by name: split.leave_out=[{','.join(counts)}]; or choose another protocol",
        )


def _check_unlisted(examples: list[Example], config: Config) -> None:
    if not 0.0 <= config.unlisted_share <= 1.0:
        raise ConfigError(
            "split.unlisted_share is no share", got=config.unlisted_share, wanted="a number from 0 to 1"
        )
    unlisted = [example for example in examples if not example.split]
    if len(unlisted) > config.unlisted_share * len(examples):
        raise SplitError(
            "not every example is in an official list",
            got=f"{len(unlisted)} of {len(examples)} in none, first {unlisted[0].id}",
            wanted=f"at most {100 * config.unlisted_share:g} % of the examples in none; those are left out",
            next_step="choose another protocol: this corpus has no official lists, or they belong to another "
            "release; if they are right: split.unlisted_share=0.5",
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
