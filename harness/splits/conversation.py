"""Leave one speaker out, for tasks that read conversations: what is tested are the turns of the held-out speaker.

An example reads the turns of everybody in its dialogue. Where the held-out speaker's partner stays in training, so
do the very dialogues that are tested, with the held-out voice in them. Two variants, therefore:

- `no_dialogue_leak` (default): nothing of the sessions of the held-out speaker is trained on or selects. The
  partner's turns are in no part of that fold; they are tested in their own.
- `as_published`: everybody else's turns train, the partner's in the same dialogues among them. What Table 6 of
  emotion2vec (arXiv 2312.15185) calls leave-one-speaker-out 10-fold is read so; whether its authors kept the
  partner's dialogues is not published.

The dev part is a share of the training dialogues, drawn dialogue by dialogue; it shares its speakers with train.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.splits._config import SplitConfig
from harness.splits._parts import cut, draw_dev, group_values, too_few

VARIANTS = ("no_dialogue_leak", "as_published")
PUBLISHED = (
    "emotion2vec (arXiv 2312.15185), Table 6, as read here: the partner's turns of the same dialogues train"
)


@dataclass(kw_only=True)
class Config(SplitConfig):
    """Settings of the protocol."""

    variant: Literal["no_dialogue_leak", "as_published"] = "no_dialogue_leak"
    """Whether the tested dialogues train as their partner's turns."""

    dev_share: float = 0.2
    """Share of the training dialogues that is dev."""

    seed: int = 0
    """Draws the dev part."""

    dev_shares_speakers: ClassVar[bool] = True

    @property
    def shares_dialogues_as(self) -> str:
        """The publication whose folds have dialogues on both sides."""
        return PUBLISHED if self.variant == "as_published" else ""


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """One fold per speaker, speakers in alphabetical order.

    Membership depends on the names and the seed alone, not on the order of the examples.

    Raises:
        SplitError: an example has no speaker, session or dialogue, there are fewer than two speakers, or nothing
            is left to train on.
        ConfigError: a variant that nobody knows, or `dev_share` is no share.
    """
    _check_variant(config)
    speakers = group_values(examples, "speaker")
    for field in ("session", "dialogue"):
        group_values(examples, field)
    if len(speakers) < 2:
        raise too_few("speaker", len(speakers), 2)
    for index, speaker in enumerate(speakers):
        test = [example for example in examples if example.speaker == speaker]
        rest = [example for example in examples if example.speaker != speaker]
        if config.variant == "no_dialogue_leak":
            rest = _elsewhere(rest, test)
        yield _fold(speaker, test, rest, config, index)


def _elsewhere(rest: list[Example], test: list[Example]) -> list[Example]:
    """What was recorded in other sessions, and in other dialogues, than what is tested."""
    sessions, dialogues = {e.session for e in test}, {e.dialogue for e in test}
    return [e for e in rest if e.session not in sessions and e.dialogue not in dialogues]


def _fold(speaker: str, test: list[Example], rest: list[Example], config: Config, index: int) -> Fold:
    dialogues = sorted({example.dialogue for example in rest})
    needed = 2 if config.wants_dev else 1
    if len(dialogues) < needed:
        raise SplitError(
            f"too few dialogues are left where speaker {speaker} is held out",
            got=f"{len(dialogues)} dialogue(s) of other sessions",
            wanted=f"at least {needed}",
            next_step="read the whole corpus, or choose another protocol",
        )
    chosen: frozenset[str] = frozenset()
    if config.wants_dev:
        chosen = draw_dev(dialogues, share=config.dev_share, seed=config.seed, fold=index)
    dev = {example.id for example in rest if example.dialogue in chosen}
    ids = [example.id for example in (*test, *rest)]
    return cut(f"speaker_{speaker}", ids, test={example.id for example in test}, dev=dev, config=config)


def _check_variant(config: Config) -> None:
    if config.variant not in VARIANTS:
        raise ConfigError(
            "split.variant names no variant of this protocol",
            got=repr(config.variant),
            wanted=f"one of {', '.join(VARIANTS)}",
            next_step="set split.variant=no_dialogue_leak",
        )
