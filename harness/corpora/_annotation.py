"""Where in a copy of a corpus its annotation files lie: at the root, or some folders deeper."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from harness.contracts import CorpusFacts
from harness.corpora._layout import require_layout
from harness.corpora._names import NEARBY_ENTRIES, SKIPPED_FOLDERS

DEPTH = 3
"""How many folders below the root an annotation file may lie: copies add a level or two."""

Fits = Callable[[Path, str], bool]
"""Whether the file at a relative path in a folder is the annotation of the corpus."""


def require_annotation(
    root: Path, facts: CorpusFacts, layout: str, names: Collection[str], fits: Fits | None = None
) -> str:
    """The annotation file that a corpus is read from, relative to its root.

    Args:
        root: what the user gave; searched a few folders deep, folders nearby only a little for the message.
        facts: of the corpus, for the message.
        layout: the owners' layout in words, for the message.
        names: of the file in lower case, the preferred first; of two with one name the least deep is taken.
        fits: whether a file in a folder is the right one, where its name does not tell.

    Raises:
        CorpusError: there is none; says what lies there, and where nearby it is.
    """

    def fitting(folder: Path) -> list[str]:
        paths = find_files(folder, names) if folder == root else find_files(folder, names, 1, NEARBY_ENTRIES)
        return [path for path in paths if fits is None or fits(folder, path)]

    require_layout(root, facts, lambda folder: bool(fitting(folder)), layout)
    return fitting(root)[0]


def find_files(root: Path, names: Collection[str], depth: int = DEPTH, most: int | None = None) -> list[str]:
    """Relative paths of the files with one of these names, in the order of `names`, then the least deep first.

    Args:
        root: where to look.
        names: in lower case; compared without case.
        depth: how many folders down, links followed; names that start with a dot are left out.
        most: no deeper folders are looked at once that many entries were.
    """
    order = {name: rank for rank, name in enumerate(names)}
    found = [path for path in _files(root, depth, most) if _name(path) in order]
    return sorted(found, key=lambda path: (order[_name(path)], path.count("/"), path))


def _name(path: str) -> str:
    return path.rpartition("/")[2].lower()


def _files(root: Path, depth: int, most: int | None) -> Iterator[str]:
    """Relative paths of files, level by level."""
    level, looked_at = [""], 0
    for _ in range(depth + 1):
        below: list[str] = []
        for start in level:
            for name, is_folder in _entries(root / start):
                looked_at += 1
                if is_folder:
                    below.append(f"{start}{name}/")
                else:
                    yield f"{start}{name}"
        if most is not None and looked_at > most:
            return
        level = below


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """Names in a folder and whether they are folders; nothing of one that may not be listed."""
    try:
        with os.scandir(folder) as entries:
            listed = [(entry.name, entry.is_dir()) for entry in entries]
    except OSError:
        return []
    return sorted(one for one in listed if not one[0].startswith(".") and one[0] not in SKIPPED_FOLDERS)
