"""What a task asks to predict, and how a protocol parts it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Kind = Literal["classes", "scales", "shares"]
"""What a target is: one class; numbers on scales; or shares of the raters, one per class."""


@dataclass(frozen=True)
class Example:
    """What a task asks to predict: a target, the utterances it reads, and the groups it belongs to."""

    id: str
    utterances: tuple[str, ...]
    target: str
    speaker: str
    session: str = ""
    split: str = ""
    duration_s: float = 0.0
    path: str = ""
    """File of the utterance that carries the target, relative to the corpus root: foreign lists match by it."""
    dialogue: str = ""
    values: tuple[float, ...] = ()
    """The target where it is no class: one number per name in the task's `classes`."""
    roles: tuple[str, ...] = ()
    """Who says each of `utterances`, out of `ROLES`; empty where an example reads its own utterance only."""
    gender: str = ""
    """Of the speaker: `female`, `male`, or empty where the corpus does not say."""


@dataclass(frozen=True)
class Fold:
    """Ids of the three parts; `dev` is empty where nothing or the test part selects."""

    name: str
    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...]


@runtime_checkable
class Splitter(Protocol):
    """A module in `harness/splits/`: how examples become folds.

    Where it has something to say that does not forbid the folds but belongs into every record (files left out,
    labels that differ), it has a `remarks(examples, config)` too, which gives one line for each.
    """

    Config: type

    @staticmethod
    def split(examples: list[Example], config: object) -> Iterator[Fold]:
        """Yield the folds in order; the same examples and config give the same folds."""
        ...
