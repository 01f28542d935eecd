"""File names that carry fields: find a corpus's files by one pattern, wherever in the root they lie.

Copies of a corpus differ in their folders (Kaggle flattens them, or packs the tree twice) and in the Unicode form
of their names; what counts is the tail of the path. Where the owners' design says which files there must be,
`expected` names them, and a file that is not there keeps its row, so that it is reported by name.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.contracts import CorpusFacts
from harness.corpora._layout import require_layout
from harness.errors import CorpusError

WAV = frozenset({".wav"})
SKIPPED_FOLDERS = frozenset({"__MACOSX"})
"""What archives made on macOS leave behind, beside names that start with a dot."""
NEARBY_ENTRIES = 20_000
"""How many entries of a folder above the root are looked at before it is given up as the corpus."""


class Named(NamedTuple):
    """A file whose name says what is in it."""

    path: str
    """Relative to the root as it lies on disk, with forward slashes; where it should lie if it is missing."""
    fields: Mapping[str, str]
    """The named groups of the pattern, as the design writes them; a group that took no part is empty."""
    own_path: str = ""
    """The path that the owners' design gives it; empty where no design was given."""

    @property
    def stem(self) -> str:
        """The owners' file name without its ending, in Unicode normal form C, whatever this copy calls it."""
        name = (self.own_path or self.path).rpartition("/")[2]
        return unicodedata.normalize("NFC", name.rpartition(".")[0])


class Design(NamedTuple):
    """Which files the owners' design holds."""

    pattern: re.Pattern[str]
    """As for `named_files`."""
    paths: tuple[str, ...]
    """Relative paths of the whole design, in the owners' order."""
    suffixes: frozenset[str] = WAV
    """Endings in lower case."""


def designed_files(root: Path, facts: CorpusFacts, layout: str, design: Design) -> list[Named]:
    """One entry per file that the owners' design holds, whether it is there or not.

    Args:
        root: of the corpus.
        facts: of the corpus, for messages.
        layout: the owners' layout in words, for messages.
        design: of the corpus.

    Raises:
        CorpusError: nothing here is named like this corpus, or the root is a folder inside of it.
    """
    pattern, expected, suffixes = design
    require_names(root, facts, layout, pattern, suffixes)
    files = named_files(root, pattern, expected, suffixes)
    whole = _whole_root(root, files)
    if whole is not None:
        raise CorpusError(
            f"this folder is only a part of {facts.title}",
            got=f"{root}; more of the corpus lies beside it in {whole}",
            wanted=layout,
            next_step=f"did you mean corpus.root={whole} ?",
        )
    return files


def require_names(
    root: Path, facts: CorpusFacts, layout: str, pattern: re.Pattern[str], suffixes: frozenset[str] = WAV
) -> None:
    """Stop unless a file below `root` is named like this corpus.

    Raises:
        CorpusError: none is; says what lies there, and where nearby such files are.
    """

    def recognises(folder: Path) -> bool:
        if folder == root:
            return holds(root, pattern, suffixes)
        searched = folder.is_relative_to(root)  # with the root, at any depth
        return not searched and holds(folder, pattern, suffixes, NEARBY_ENTRIES)

    require_layout(root, facts, recognises, layout)


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

    Raises:
        CorpusError: the name of such a file, or of its folder, is in no known code.
    """
    found: dict[tuple[str, ...], Named] = {}
    for path in sorted(_files(root, suffixes), key=lambda path: (path.count("/"), path)):
        named = _named(path, pattern)
        if named is not None:
            _require_utf8(root, path)
            found.setdefault(_key(named, pattern), named)
    if not expected:
        return sorted(found.values(), key=lambda named: named.path)
    wanted = [_expected(path, pattern) for path in expected]
    lies_at = {key: named.path for key, named in found.items()}
    return [Named(lies_at.get(_key(own, pattern), own.path), own.fields, own.path) for own in wanted]


def _key(named: Named, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """What makes two files the same: the fields, without regard to case where the pattern has none."""
    fields = tuple(named.fields.values())
    return tuple(map(str.casefold, fields)) if pattern.flags & re.IGNORECASE else fields


def holds(
    root: Path, pattern: re.Pattern[str], suffixes: frozenset[str] = WAV, most: int | None = None
) -> bool:
    """Whether any file below the root is named like this; stops at the first, or after `most` entries."""
    return any(_named(path, pattern) is not None for path in _files(root, suffixes, most))


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


def _whole_root(root: Path, files: Sequence[Named]) -> Path | None:
    """The folder above in which the root has its place in the design, and files lie that are missing here."""
    missing = [file.own_path for file in files if not (root / file.path).is_file()]
    place = root.resolve()
    for above in list(place.parents)[:2]:
        inside = unicodedata.normalize("NFC", place.relative_to(above).as_posix()) + "/"
        designed = any(file.own_path.startswith(inside) for file in files)
        if designed and any((above / path).is_file() for path in missing):
            return above
    return None


def _require_utf8(root: Path, path: str) -> None:
    """Names written in an old code page cannot be stored in a table; one renaming mends them."""
    try:
        path.encode()
    except UnicodeEncodeError as fault:
        raise CorpusError(
            "a name in the corpus is not written in UTF-8",
            got=f"{path!r} in {root}",
            wanted="names such as the owners' archive holds",
            next_step="unpack the archive again with a program that knows its code (unzip -O CP850 ARCHIVE),"
            f" or rename: convmv -f cp850 -t utf8 -r --notest {root}",
        ) from fault


def _files(root: Path, suffixes: frozenset[str], most: int | None = None) -> Iterator[str]:
    """Relative paths with one of these endings, with forward slashes, the shallow folders first.

    Links to folders are followed, each folder once; what may not be listed is passed over.
    """
    folders = deque([""])
    seen: set[tuple[int, int]] = set()
    looked_at = 0
    while folders:
        start = folders.popleft()
        entries = _entries(root / start, seen)
        looked_at += len(entries)
        for entry in entries:
            if entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS:
                continue
            if _is_folder(entry):
                folders.append(f"{start}{entry.name}/")
            elif os.path.splitext(entry.name)[1].lower() in suffixes:  # noqa: PTH122
                yield f"{start}{entry.name}"
        if most is not None and looked_at > most:
            return


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """A folder or a link to one; a link that leads nowhere or may not be followed is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _entries(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Entries of a folder by name; none where it was seen before or may not be read."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return []
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
