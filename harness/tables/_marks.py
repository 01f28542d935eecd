"""Marks: what keeps a figure of ours from being the same measurement as the printed one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness.contracts import Card, TextCard
from harness.record import Record
from harness.tables._facts import Facts, differences, facts_of_record

LEGEND: Mapping[str, str] = {
    "P": "protocol differs: task, split, view or head are not those of the recipe that follows the paper",
    "D": "data differ: other counts, damaged or other audio, or another corpus",
    "W": "weights differ, or are not known to be those of the published checkpoint",
    "T": "the test part selected the model: shown for comparison, never ranked",
    "S": "SYNTHETIC audio: shows that the machinery works, says nothing about people",
}
LENGTH_TOLERANCE = 0.15
"""Of the mean length of an utterance: a paper may count the labelled part of a corpus, a record the whole."""


class Mark(NamedTuple):
    """One letter, and why it stands there."""

    letter: str
    text: str


class Data(NamedTuple):
    """What the paper says of the data behind a figure."""

    corpus: str
    examples: int | None
    mean_s: tuple[float, float] | None
    """Shortest and longest mean length of an utterance that its printed hours allow."""


def marks_of(
    record: Record, wanted: Facts, cards: Sequence[Card | TextCard], data: Data, version: int
) -> list[Mark]:
    """Everything that has to be said beside a figure of ours.

    Args:
        record: ours.
        wanted: settings of the recipe that follows the paper.
        cards: of the published checkpoints; none where the weights are judged elsewhere.
        data: what the paper counts.
        version: of the recipe that the record names, as it stands today.
    """
    told = [Mark("P", text) for text in sorted(differences(wanted, facts_of_record(record)))]
    if record.recipe_version != version:
        told.append(Mark("P", f"version {record.recipe_version} of {record.recipe}, which is at {version}"))
    told += [Mark("D", text) for text in _data(record, data)]
    for one, card in zip(record.upstream.get("inputs", [record.upstream]), cards, strict=False):
        told += [Mark("W", text) for text in _weights(one, card)]
    if not record.ranked:
        told.append(Mark("T", "the test part selected"))
    if record.corpus["synthetic"]:
        told.append(Mark("S", record.corpus["title"]))
    return told


def _data(record: Record, data: Data) -> Iterator[str]:
    corpus, examples = record.corpus, record.task["examples"]
    if corpus["name"] != data.corpus:
        yield f"corpus {corpus['name']} instead of {data.corpus}"
    if data.examples is not None and examples != data.examples:
        yield f"{examples} examples, the paper counts {data.examples}"
    if corpus["dropped"]:
        yield f"{sum(corpus['dropped'].values())} damaged utterances left out"
    elif corpus["faults"]:
        yield f"{len(corpus['faults'])} faults in the copy"
    mean_s = 3600 * corpus["hours"] / corpus["utterances"] if corpus["utterances"] else 0.0
    if data.mean_s is not None and not data.mean_s[0] <= mean_s <= data.mean_s[1]:
        yield f"utterances of {mean_s:.2f} s, the paper's last {data.mean_s[0]:.2f} to {data.mean_s[1]:.2f} s"


def _weights(upstream: Mapping[str, Any], card: Card | TextCard) -> Iterator[str]:
    for name, wanted in (("family", card.family), ("layers", getattr(card, "layers", 0)), ("dim", card.dim)):
        if wanted and upstream[name] != wanted:
            yield f"{name} {upstream[name]} instead of {wanted}"
    for key, value in card.options.items():
        if upstream["options"].get(key, value) != value:
            yield f"option {key} {upstream['options'][key]} instead of {value}"
    yield from _checkpoint(upstream["weights"], card)


def _checkpoint(weights: str, card: Card | TextCard) -> Iterator[str]:
    if weights == "no weights":
        return
    if "@" not in weights:
        yield f"a local copy, SHA-256 {weights[:12]}, not compared with the published file"
    elif weights.endswith("@unpinned"):
        yield f"{weights}: the newest revision of that day"
    elif card.hub_id and weights != f"{card.hub_id}@{card.revision}":
        yield f"{weights} instead of {card.hub_id}@{card.revision}"


def allowed_mean_s(utterances: int, hours: float) -> tuple[float, float]:
    """The mean lengths that a printed count and hours (one decimal) allow.

    >>> tuple(round(limit, 2) for limit in allowed_mean_s(535, 0.4))
    (2.0, 3.48)
    """
    shortest, longest = (3600 * (hours + off) / utterances for off in (-0.05, 0.05))
    return shortest * (1 - LENGTH_TOLERANCE), longest * (1 + LENGTH_TOLERANCE)


def letters(marks: list[Mark]) -> str:
    """The letters of some marks, each once, in the legend's order.

    >>> letters([Mark("D", "a"), Mark("P", "b"), Mark("D", "c")])
    'PD'
    """
    present: set[Any] = {mark.letter for mark in marks}
    return "".join(letter for letter in LEGEND if letter in present)
