"""Emotion prediction in conversation: the emotion of the next turn, from the turns before it.

A turn is a maximal run of utterances by one speaker. An example reads every utterance of the last `turns` turns,
whatever its label, and nothing of the turn that it predicts; its target is the first labelled utterance of that
turn, after which it is named. Turns stand in the order of time, which is that of the manifest's `turn`, whatever
the order of the rows. Where a dialogue has fewer earlier turns, those that exist are read; the first turn of a
dialogue is no target.

Source: emotion2vec (arXiv 2312.15185), Table 6, after Shi, Li and Toda 2023: six turns, in which a speaker can say
several utterances. The label of a turn of several utterances, the contexts at the beginning of a dialogue and the
choice of the interlocutor among several are not said there and ours.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Literal, NamedTuple

from harness.contracts import ROLES, Example
from harness.errors import ConfigError, CorpusError, LabelError
from harness.tasks import emotion
from harness.tasks._examples import TaskExamples

if TYPE_CHECKING:
    import pandas as pd

SPEAKER, INTERLOCUTOR, OTHER = ROLES


@dataclass(kw_only=True)
class Config(emotion.Config):
    """How targets are labelled is said as for the task `emotion`; a label that is dropped is context still."""

    turns: int = 6
    """How many earlier turns are read."""

    order: Literal["time", "shuffled"] = "time"
    """`shuffled` is a control: the same targets, folds and utterances, the earlier turns of each example in a
    random order (drawn from its id). What is lost by it is what the order of the turns says."""


class Spoken(NamedTuple):
    """What the task needs to know of an utterance."""

    id: str
    speaker: str
    dialogue: str
    turn: int
    start_s: float
    """Where it begins in its file; 0 where it is a file of its own."""
    duration_s: float


Turn = tuple[Spoken, ...]

over_shared_labels = emotion.over_shared_labels
"""Where several corpora are read: their shared labels are targets, all others context."""


def examples(table: pd.DataFrame, config: Config) -> TaskExamples:
    """Turn a manifest's table into examples, in the order of the rows that carry the targets.

    Args:
        table: columns of the task `emotion`, and `dialogue`, `turn`, `start_s`; one row per utterance.
        config: how much is read, and what the labels become.

    Raises:
        ConfigError: no turn is to be read, or the settings of the labels contradict each other.
        CorpusError: an utterance has no dialogue, speaker or place in time.
        LabelError: a label that the task does not know, or a class that is never the emotion of a next turn.
    """
    if config.turns < 1:
        raise ConfigError("task.turns must be 1 or more", got=config.turns, next_step="task.turns=6")
    targets = emotion.examples(table, config)
    labelled = {example.id: example for example in targets.examples}
    made = {
        example.id: example
        for dialogue in _dialogues(table)
        for example in _of_dialogue(turns_of(dialogue), labelled, config)
    }
    found = tuple(made[name] for name in labelled if name in made)
    _check_classes(found, targets.classes)
    rest = Counter(
        label for name, label in zip(table["id"], table["label"].fillna(""), strict=True) if name not in made
    )
    return replace(targets, examples=found, dropped=dict(sorted(rest.items())))


def turns_of(dialogue: Sequence[Spoken]) -> list[Turn]:
    """The turns of a dialogue: maximal runs of one speaker, in the order of time."""
    ordered = sorted(dialogue, key=lambda spoken: (spoken.turn, spoken.start_s))
    return [tuple(run) for _, run in groupby(ordered, key=lambda spoken: spoken.speaker)]


def roles_of(context: Sequence[Spoken], speaker: str) -> dict[str, str]:
    """Name -> role of everybody in a context that stands in the order of time, seen from the target's speaker.

    The interlocutor is, of all others, who says most of the context's utterances; of equals, who spoke last.
    """
    others = Counter(spoken.speaker for spoken in reversed(context) if spoken.speaker != speaker)
    partner = [name for name, _ in others.most_common(1)]
    return dict.fromkeys(others, OTHER) | dict.fromkeys(partner, INTERLOCUTOR) | {speaker: SPEAKER}


def _dialogues(table: pd.DataFrame) -> list[list[Spoken]]:
    texts = [table[name].fillna("").tolist() for name in ("id", "speaker", "dialogue")]
    turns = table["turn"].fillna(-1).astype("int64").tolist()
    times = [table[name].astype("float64").fillna(0.0).tolist() for name in ("start_s", "duration_s")]
    found: dict[str, list[Spoken]] = defaultdict(list)
    for row in zip(*texts, turns, *times, strict=True):
        spoken = Spoken(*row)
        _check_placed(spoken)
        found[spoken.dialogue].append(spoken)
    return list(found.values())


def _check_placed(spoken: Spoken) -> None:
    known = {"speaker": spoken.speaker, "dialogue": spoken.dialogue, "turn": spoken.turn >= 0}
    lacking = [what for what, there in known.items() if not there]
    if lacking:
        raise CorpusError(
            "the corpus holds utterances that are no part of a conversation",
            got=f"no {' and no '.join(lacking)} of {spoken.id}",
            wanted="speaker, dialogue and turn of every utterance",
            next_step="choose a corpus of dialogues: iemocap, meld or m3ed",
        )


def _of_dialogue(turns: Sequence[Turn], labelled: Mapping[str, Example], config: Config) -> Iterator[Example]:
    for place in range(1, len(turns)):
        target = next((labelled[spoken.id] for spoken in turns[place] if spoken.id in labelled), None)
        if target is not None:
            yield _with_context(target, turns[max(0, place - config.turns) : place], config.order)


def _with_context(target: Example, before: Sequence[Turn], order: str) -> Example:
    roles = roles_of([spoken for turn in before for spoken in turn], target.speaker)
    read = before if order == "time" else _shuffled(before, target.id)
    context = [spoken for turn in read for spoken in turn]
    return replace(
        target,
        utterances=tuple(spoken.id for spoken in context),
        roles=tuple(roles[spoken.speaker] for spoken in context),
        dialogue=context[0].dialogue,
        duration_s=round(sum(spoken.duration_s for spoken in context), 6),
    )


def _shuffled(turns: Sequence[Turn], name: str) -> list[Turn]:
    """The turns in an order that the name draws, the same on every machine; a turn keeps its own order."""
    return sorted(turns, key=lambda turn: hashlib.sha256(f"{name}\0{turn[0].id}".encode()).digest())


def _check_classes(examples: Sequence[Example], classes: Sequence[str]) -> None:
    counts = Counter(example.target for example in examples)
    absent = [name for name in classes if not counts[name]]
    if absent:
        raise LabelError(
            f"class {', '.join(absent)} is never the emotion of a next turn in this corpus",
            got=f"{len(examples)} turns with an earlier one: {dict(sorted(counts.items()))}",
            wanted="an example of every class",
            next_step="drop the class in the task, or read the whole corpus",
        )
