"""Whose row is this: from the names that other projects give to files to our examples, uniquely or not at all.

A foreign row has a key, and mostly a path on somebody's disk. What is compared, in this order, each step only
where the one before it found nothing or more than one:

1. the path: ours ends theirs, or theirs ends ours, extension left out;
2. the words of the key, in their order, with those of our id or of the end of our path;
3. the same words in any order, where neither the rows nor the examples hold those words twice.

Names are taken in Unicode normal form C, with their capitals first and without them afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

from harness.contracts import Example

Words = tuple[str, ...]
SOUND = re.compile(r"\.(wav|flac|mp3|m4a|mp4|avi|webm|ogg|opus|aiff?)$", re.IGNORECASE)


class Listed(NamedTuple):
    """One row of a foreign list."""

    key: str
    """The project's own name of the utterance, without the name of the corpus."""
    path: str = ""
    """Where the file lay on their disk; empty where they do not say."""
    label: str = ""
    """Their label, in their spelling; empty where they give none or another kind."""


class Matches(NamedTuple):
    """What became of the rows."""

    ids: dict[Listed, str]
    """Row -> the id of our example."""
    unknown: tuple[Listed, ...]
    """Rows that fit no example."""
    ambiguous: tuple[Listed, ...]
    """Rows that fit several examples, or share the only one that they fit."""


def match(rows: Iterable[Listed], examples: Sequence[Example]) -> Matches:
    """Find the example of every row; a row that fits two, or two rows that fit one, are told and not decided."""
    distinct = list(dict.fromkeys(rows))
    index = _Index(distinct, examples)
    found = {row: index.candidates(row) for row in distinct}
    owners = Counter(ids[0] for ids in found.values() if len(ids) == 1)
    sure = {row: ids[0] for row, ids in found.items() if len(ids) == 1 and owners[ids[0]] == 1}
    return Matches(
        ids=sure,
        unknown=tuple(row for row, ids in found.items() if not ids),
        ambiguous=tuple(row for row, ids in found.items() if ids and row not in sure),
    )


class _Index:
    """The examples by everything that a row might call them; what no row needs is not built."""

    def __init__(self, rows: Sequence[Listed], examples: Sequence[Example]) -> None:
        self.unbuilt = _steps(rows, examples)
        self.built: list[Step] = []

    def candidates(self, row: Listed) -> list[str]:
        """The ids that the first decisive step gives; without one, those of the first that gave any."""
        undecided: list[str] = []
        for step in self._all_steps():
            ids = step(row)
            if len(ids) == 1 and (not undecided or ids[0] in undecided):
                return ids
            undecided = undecided or ids
        return undecided

    def _all_steps(self) -> Iterator[Step]:
        yield from self.built
        for step in self.unbuilt:
            self.built.append(step)
            yield step


Spelling = Callable[[str], str]
Step = Callable[[Listed], list[str]]


def _steps(rows: Sequence[Listed], examples: Sequence[Example]) -> Iterator[Step]:
    for spelling in (_kept, str.casefold):
        yield _by_path(spelling, examples)
        yield _by_words(spelling, examples)
        yield _by_sorted_words(spelling, rows, examples)


def _by_path(spelling: Spelling, examples: Sequence[Example]) -> Step:
    paths = [(_folders(spelling(example.path)), example.id) for example in examples]
    whole = _named((ours, id_) for ours, id_ in paths if ours)
    ends = _named((ours[start:], id_) for ours, id_ in paths for start in range(len(ours)))

    def step(row: Listed) -> list[str]:
        theirs = _folders(spelling(row.path))
        inside = (whole[theirs[start:]] for start in range(len(theirs)) if theirs[start:] in whole)
        return ends.get(theirs, []) or next(inside, [])

    return step


def _by_words(spelling: Spelling, examples: Sequence[Example]) -> Step:
    names = _named((words, example.id) for example in examples for words in _names(spelling, example))
    return lambda row: names.get(_words(spelling(row.key)), [])


def _by_sorted_words(spelling: Spelling, rows: Sequence[Listed], examples: Sequence[Example]) -> Step:
    names = _named(
        (_sorted(words), example.id) for example in examples for words in _names(spelling, example)
    )
    keys = Counter(_sorted(_words(spelling(row.key))) for row in rows)

    def step(row: Listed) -> list[str]:
        words = _sorted(_words(spelling(row.key)))
        return names.get(words, []) if keys[words] == 1 else []

    return step


def _named(pairs: Iterable[tuple[Hashable, str]]) -> dict[Hashable, list[str]]:
    """Name -> the distinct ids that it may mean."""
    names: dict[Hashable, dict[str, None]] = defaultdict(dict)
    for name, id_ in pairs:
        names[name][id_] = None
    return {name: list(ids) for name, ids in names.items()}


def _names(spelling: Spelling, example: Example) -> Iterator[Words]:
    """The words of the id, and of every end of the path that holds the file's own name."""
    yield _words(spelling(example.id))
    folders = _folders(spelling(example.path))
    for start in range(len(folders)):
        yield _words("/".join(folders[start:]))


def _kept(name: str) -> str:
    return name


def _folders(path: str) -> Words:
    plain = SOUND.sub("", unicodedata.normalize("NFC", path).replace("\\", "/"))
    return tuple(part for part in plain.split("/") if part not in ("", "."))


def _words(name: str) -> Words:
    plain = SOUND.sub("", unicodedata.normalize("NFC", name))
    return tuple(word for word in re.split(r"[\W_]+", plain) if word)


def _sorted(words: Words) -> Words:
    return tuple(sorted(words))
