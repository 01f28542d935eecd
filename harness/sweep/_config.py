"""What a sweep can set; `recipes/ablation/` says the rows, the two sizes, and where they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge

Features = Literal["frames", "tokens", "both"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table: how its model is pre-trained, and what of it is evaluated."""

    cells: dict[str, str]
    """column -> what the row says there; the first ones of the printed table."""
    published: str | None = None
    """`system` of the printed figures in `results/published.json`; None: a row that is only ours."""
    start: Literal["cold", "data2vec", "data2vec2"] = "data2vec2"
    """The checkpoint that the pre-training begins with."""
    form: str = "emotion2vec"
    """Which of the size's `forms` is pre-trained."""
    pretrain: list[str] = field(default_factory=list)
    """Overrides of the pre-training, beyond those that all rows share."""
    features: Features = "frames"
    """Of the student: frames, the mean of the utterance tokens, or both joined."""
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Form:
    """A recipe of pre-training and its overrides."""

    recipe: str
    pretrain: list[str] = field(default_factory=list)


class Table(NamedTuple):
    """A table of the paper."""

    name: str
    """Of the recipe, without its folder."""
    number: str
    about: str
    source: str
    """Key of the paper in `results/published.json`."""
    rows: dict[str, Row]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all rows of a table share."""

    size: str
    comparable: bool
    """Whether models, audio and evaluation are the paper's unless something is overridden."""
    corpora: list[str] | None = None
    """Audio of the pre-trainings, labels unused; None: the size's `usual_corpora`, unless folders are given."""
    usual_corpora: list[str]
    roots: dict[str, str | None] = field(default_factory=dict)
    """corpus -> the folder that holds it."""
    audio: list[str] | str = field(default_factory=list)
    """Plain folders of sound files."""
    trained_on: list[str] = field(default_factory=list)
    """Corpora that the plain folders hold."""
    on_fault: Literal["stop", "skip", "repair"] = "stop"
    init: dict[str, str | None] = field(default_factory=dict)
    """start -> a checkpoint file or folder."""
    init_cards: dict[str, str] = field(default_factory=dict)
    """start -> the card of its published checkpoint."""
    pretrain: dict[str, Any] = field(default_factory=dict)
    """Overrides of every pre-training, nested as in its recipe."""
    evaluate: dict[str, Any] = field(default_factory=dict)
    """`recipe` of the evaluation, and overrides of it, nested as there."""
    corpus_root: str | None = None
    """Where the evaluated corpus lies; None: as in `roots`."""
    seed: int = 1
    results: str = "results"
    track: bool = True
    device: Literal["auto", "cpu", "cuda"] = "auto"
    processes: Annotated[int, Ge(1)] = 1
    """Of this machine, which share a pre-training: the number of GPUs."""

    @property
    def folders(self) -> list[str]:
        """The plain folders, one or several."""
        return [self.audio] if isinstance(self.audio, str) else list(self.audio)

    @property
    def trained_corpora(self) -> list[str]:
        """The corpora that are pre-trained on."""
        if self.corpora is not None:
            return list(self.corpora)
        return [] if self.folders else list(self.usual_corpora)


class Cell(NamedTuple):
    """One row of one table under one set of settings: what a single job of a sweep does."""

    table: Table
    row_name: str
    settings: Settings
    forms: dict[str, Form]
    """What can be pre-trained at this size, by the name that rows call it by."""
    stand_ins: dict[str, Form]
    """start -> what is pre-trained in its place where no checkpoint is given; without one it is asked for."""

    @property
    def row(self) -> Row:
        """What is particular about it."""
        return self.table.rows[self.row_name]


def plain_words(values: Mapping[str, Any]) -> list[str]:
    """Nested settings as overrides in Hydra's grammar.

    >>> plain_words({"optimiser": {"updates": 5}, "view": "last", "seeds": [0, 1], "name": None})
    ['optimiser.updates=5', 'view=last', 'seeds=[0,1]', 'name=null']
    """
    words: list[str] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            words += [f"{name}.{word}" for word in plain_words(value)]
        else:
            words.append(f"{name}={_literal(value)}")
    return words


def _literal(value: object) -> str:
    """A value as Hydra's parser reads it back; text in quotes where a letter of it could mean something."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_literal, value))}]"
    if isinstance(value, str) and not value.replace("_", "").replace("-", "").isalnum():
        before_quotes_doubled = re.sub(r"(\\+)(?='|$)", r"\1\1", value)
        return "'" + before_quotes_doubled.replace("'", "\\'") + "'"
    return str(value)
