"""Which examples belong together, one way of belonging at a time, as arrays.

Every kind of leak is the same question: is a group (a speaker, a sentence, a recording ...) on both sides?
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Example
from harness.doctor._kinds import AUDIO, Kind
from harness.doctor._sentences import FEWEST_WORDS, sentence_key
from harness.errors import SplitError
from harness.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

    from harness.sketch import Sketches

Members = Iterable[tuple[int, str | None]]
"""(position of an example, name of a group): an empty name belongs to none, None says that nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """One way of belonging together."""

    kind: Kind
    names: tuple[str, ...]
    """By group number."""
    example: NDArray[np.int64]
    """(memberships,) position of the example."""
    group: NDArray[np.int64]
    """(memberships,) number of the group it belongs to."""
    unknown: NDArray[np.bool_]
    """(examples,) whether nobody says what it belongs to."""


class Groupings(NamedTuple):
    """Everything that could be examined, and why the rest could not."""

    examined: Mapping[Kind, Grouping]
    not_examined: Mapping[Kind, str]


class Heard(NamedTuple):
    """Which rows of the manifest the examples read."""

    table: pd.DataFrame
    rows: tuple[tuple[int, ...], ...]
    """Per example."""

    def texts(self, column: str) -> list[str]:
        """A column without pandas' missing values."""
        return [value if isinstance(value, str) else "" for value in self.table[column].tolist()]

    def members(self, names: Sequence[str | None]) -> list[tuple[int, str | None]]:
        """The memberships of all examples, from a name per row of the manifest."""
        return [(position, names[row]) for position, rows in enumerate(self.rows) for row in rows]


def heard_by(manifest: Manifest, examples: Sequence[Example]) -> Heard:
    """Find what the examples read.

    Raises:
        SplitError: an example reads an utterance that the manifest does not hold.
    """
    row_of = {name: row for row, name in enumerate(manifest.table["id"].tolist())}
    lost = [name for example in examples for name in example.utterances if name not in row_of]
    if lost:
        raise SplitError(
            "examples read utterances that the manifest does not hold",
            got=f"{len(lost)} of them, first {lost[0]}",
            wanted="examples made from this manifest",
            next_step="make the examples again with the task",
        )
    rows = tuple(tuple(row_of[name] for name in example.utterances) for example in examples)
    return Heard(manifest.table, rows)


def group(heard: Heard, examples: Sequence[Example], sketches: Sketches | None) -> Groupings:
    """Every way in which these examples can belong together.

    Args:
        heard: what the examples read.
        examples: in their order.
        sketches: what is known of the sound; None where nobody listened.
    """
    members: dict[Kind, Members] = {**_by_name(heard, examples)}
    why_not = dict.fromkeys(AUDIO, "the audio was not read")
    if sketches is not None:
        members |= _by_sound(heard, sketches)
        why_not = {}
    found = {kind: _grouping(kind, pairs, len(examples)) for kind, pairs in members.items()}
    nameless = [kind for kind, one in found.items() if kind not in AUDIO and not one.names]
    return Groupings(
        {kind: found[kind] for kind in Kind if kind in found and kind not in nameless},
        {kind: (why_not | WHY_NOT)[kind] for kind in Kind if kind in why_not or kind in nameless},
    )


SILENCE_DBFS = -120.0
"""The level below which `harness.sketch` tells no further."""
WHY_NOT = {
    Kind.SPEAKER: "the corpus names no speakers",
    Kind.DIALOGUE: "the corpus names no dialogues",
    Kind.SESSION: "the corpus names no sessions",
    Kind.SENTENCE: f"the corpus names no sentences and has no texts of {FEWEST_WORDS} words or more",
    Kind.TWIN: "the corpus names no speakers, or no sentences",
}


def _by_name(heard: Heard, examples: Sequence[Example]) -> dict[Kind, Members]:
    """What names and labels tell."""
    sentences = [
        sentence_key(code, text)
        for code, text in zip(heard.texts("sentence"), heard.texts("text"), strict=True)
    ]
    return {
        Kind.UTTERANCE: heard.members(heard.table["id"].tolist()),
        Kind.TWIN: enumerate(_twin_keys(heard, examples, sentences)),
        Kind.SPEAKER: enumerate(example.speaker or None for example in examples),
        Kind.DIALOGUE: heard.members([name or None for name in heard.texts("dialogue")]),
        Kind.SESSION: heard.members([name or None for name in heard.texts("session")]),
        Kind.SENTENCE: heard.members(sentences),
    }


def _twin_keys(
    heard: Heard, examples: Sequence[Example], sentences: Sequence[str | None]
) -> Iterator[str | None]:
    """Speaker, all that is said, and target."""
    for example, rows in zip(examples, heard.rows, strict=True):
        said = [sentences[row] for row in rows]
        if not example.speaker or None in said:
            yield None
        else:
            yield f"{example.speaker} / {' + '.join(map(str, said))} / {example.target}" if all(said) else ""


def _by_sound(heard: Heard, sketches: Sketches) -> dict[Kind, Members]:
    """What only listening tells. Near is not transitive, so each near pair is a group of its own."""
    ids = heard.table["id"].tolist()
    same = _same_samples(ids, sketches)
    lost = [(position, None) for position, name in heard.members(same) if name is None]
    return {Kind.EXACT_AUDIO: heard.members(same), Kind.NEAR_AUDIO: [*_near(heard, ids, sketches), *lost]}


def _same_samples(ids: Sequence[str], sketches: Sketches) -> list[str | None]:
    """Per row, the ids of all that have its samples (a hash tells a reader nothing); silence is nobody's."""
    columns = sketches.table["pcm_sha256"], sketches.table["peak_dbfs"] > SILENCE_DBFS
    hashes = {
        name: value if loud else "" for name, value, loud in zip(sketches.table.index, *columns, strict=True)
    }
    same: dict[str, list[str]] = defaultdict(list)
    for name in ids:
        same[hashes.get(name, "")].append(name)
    names = {value: " = ".join(members) for value, members in same.items() if value}
    return [names.get(hashes[name], "") if name in hashes else None for name in ids]


def _near(heard: Heard, ids: Sequence[str], sketches: Sketches) -> list[tuple[int, str]]:
    from harness.sketch import near_duplicates

    readers: dict[str, list[int]] = defaultdict(list)
    for position, name in heard.members(ids):
        readers[str(name)].append(position)
    return [
        (position, f"{' ~ '.join(pair.ids)} ({pair.similarity:.3f})")
        for pair in near_duplicates(sketches)
        if pair.kind == "near"
        for name in pair.ids
        for position in readers[name]
    ]


def _grouping(kind: Kind, members: Members, examples: int) -> Grouping:
    import pandas as pd

    pairs = list(members)
    named = [(position, name) for position, name in pairs if name]
    codes, names = pd.factorize(np.array([name for _, name in named], dtype=object))
    example = np.fromiter((position for position, _ in named), dtype=np.int64, count=len(named))
    unknown = np.zeros(examples, dtype=np.bool_)
    unknown[[position for position, name in pairs if name is None]] = True
    return Grouping(
        kind=kind, names=tuple(names), example=example, group=codes.astype(np.int64), unknown=unknown
    )
