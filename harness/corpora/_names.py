"""File names that carry fields: find a corpus's files by one pattern, wherever in the root they lie.

Copies of a corpus differ in their folders (Kaggle flattens them, or packs the tree twice) and in the Unicode form
of their names; what counts is the tail of the path. Where the owners' design says which files there must be,
`expected` names them, and a file that is not there keeps its row, so that it is reported by name.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

WAV = frozenset({".wav"})
SKIPPED_FOLDERS = frozenset({"__MACOSX"})
"""What archives made on macOS leave behind, beside names that start with a dot."""


class Named(NamedTuple):
    """A file whose name says what is in it."""

    path: str
    """Relative to the root as it lies on disk, with forward slashes; where it should lie if it is missing."""
    fields: Mapping[str, str]
    """The named groups of the pattern; a group that took no part is empty."""

    @property
    def stem(self) -> str:
        """The file name without its ending, in Unicode normal form C."""
        return unicodedata.normalize("NFC", self.path.rpartition("/")[2].rpartition(".")[0])


def named_files(
    root: Path, pattern: re.Pattern[str], expected: Sequence[str] = (), suffixes: frozenset[str] = WAV
) -> list[Named]:
    """The files of a corpus, each once, in the order of `expected` or else by path.

    Args:
        root: of the corpus; searched to any depth, names that start with a dot left out.
        pattern: of the tail of a relative path in normal form C, from the start of a folder's or the file's
            name. Two files with the same groups are the same file: the one that lies less deep is taken, and the
            other is reported as unexpected.
        expected: relative paths that the pattern matches. Files beyond them are left alone and reported as
            unexpected.
        suffixes: endings in lower case.
    """
    found: dict[tuple[str, ...], Named] = {}
    for path in sorted(_files(root, suffixes), key=lambda path: (path.count("/"), path)):
        named = _named(path, pattern)
        if named is not None:
            found.setdefault(tuple(named.fields.values()), named)
    if not expected:
        return sorted(found.values())
    wanted = [_expected(path, pattern) for path in expected]
    return [found.get(tuple(named.fields.values()), named) for named in wanted]


def holds(root: Path, pattern: re.Pattern[str], suffixes: frozenset[str] = WAV) -> bool:
    """Whether any file below the root is named like this; stops at the first."""
    return any(_named(path, pattern) is not None for path in _files(root, suffixes))


def _named(path: str, pattern: re.Pattern[str]) -> Named | None:
    parts = unicodedata.normalize("NFC", path).split("/")
    for depth in range(1, len(parts) + 1):
        match = pattern.fullmatch("/".join(parts[-depth:]))
        if match is not None:
            return Named(path, {name: value or "" for name, value in match.groupdict().items()})
    return None


def _expected(path: str, pattern: re.Pattern[str]) -> Named:
    named = _named(path, pattern)
    if named is None:
        raise ValueError(f"{path} is expected and does not fit {pattern.pattern}")
    return named


def _files(root: Path, suffixes: frozenset[str]) -> Iterator[str]:
    """Relative paths with one of these endings, with forward slashes."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and name not in SKIPPED_FOLDERS
        )
        here = Path(folder).relative_to(root).as_posix()
        start = "" if here == "." else f"{here}/"
        for name in names:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in suffixes:  # noqa: PTH122
                yield f"{start}{name}"
