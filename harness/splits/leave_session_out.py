"""Leave one session out: every session is tested once; a random share of the others selects the model.

The plain rows of emotion2vec, Table 2 (arXiv 2312.15185): five sessions of IEMOCAP, 20 % of the training
sessions as dev. Dev shares its speakers with train, as published; test never does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.contracts import Example, Fold
from harness.splits._config import SplitConfig
from harness.splits._parts import cut, draw_dev, group_values, too_few


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Settings of the protocol."""

    dev_share: float = 0.2
    """Share of the other sessions that is dev."""

    seed: int = 0
    """Draws the dev part."""

    dev_shares_speakers: ClassVar[bool] = True


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """One fold per session, sessions in alphabetical order.

    Membership depends on the ids and the seed alone, not on the order of the examples.

    Raises:
        SplitError: an example has no session, or there are fewer than two sessions.
        ConfigError: `dev_share` is no share.
    """
    sessions = group_values(examples, "session")
    if len(sessions) < 2:
        raise too_few("session", len(sessions), 2)
    ids = [example.id for example in examples]
    for index, session in enumerate(sessions):
        test = {example.id for example in examples if example.session == session}
        rest = [i for i in ids if i not in test]
        dev = draw_dev(rest, share=config.dev_share, seed=config.seed, fold=index)
        yield cut(f"session_{session}", ids, test=test, dev=dev, config=config)
