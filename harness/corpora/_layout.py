"""Is this folder the corpus? If not, say what lies there, what should, and where it may be instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from harness.contracts import CorpusFacts
from harness.errors import CorpusError

Recognises = Callable[[Path], bool]


def require_layout(root: Path, facts: CorpusFacts, recognises: Recognises, layout: str) -> None:
    """Stop unless `root` holds the owners' own layout.

    Args:
        root: what the user gave.
        facts: of the corpus that is wanted.
        recognises: whether a folder looks like the root of the corpus.
        layout: the owners' layout in words, for the message.

    Raises:
        CorpusError: no such folder, or another one; names the folder nearby that was meant, if there is one.
    """
    require_folder(root, facts)
    if recognises(root):
        return
    nearby = next((folder for folder in _nearby(root) if recognises(folder)), None)
    raise CorpusError(
        f"this folder is not the root of {facts.title}",
        got=f"{root} holds {_first_entries(root)}",
        wanted=layout,
        next_step=f"did you mean corpus.root={nearby} ?" if nearby else how_to_get(facts),
    )


def require_folder(root: Path, facts: CorpusFacts) -> None:
    """Stop unless there is a folder at `root`.

    Raises:
        CorpusError: nothing is there, or a file; says how the corpus is obtained.
    """
    if root.is_dir():
        return
    raise CorpusError(
        f"there is no folder to read {facts.title} from",
        got=f"{root} {'is a file' if root.exists() else 'does not exist'}",
        wanted=f"the folder that holds {facts.title} as its owners distribute it",
        next_step=how_to_get(facts),
    )


def how_to_get(facts: CorpusFacts) -> str:
    """The way to the corpus and its licence, for a message."""
    return f"set corpus.root=DIR; to obtain the corpus: {facts.access}; licence: {facts.licence}"


def _first_entries(root: Path, count: int = 6) -> str:
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in _entries(root))
    if not names:
        return "nothing"
    rest = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + rest


def _nearby(root: Path, most: int = 64) -> Iterator[Path]:
    """Folders one and two levels below, then three levels above."""
    children = sorted(entry for entry in _entries(root) if entry.is_dir())[:most]
    yield from children
    for child in children:
        yield from sorted(entry for entry in _entries(child) if entry.is_dir())[:most]
    yield from list(root.resolve().parents)[:3]


def _entries(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError:
        return []
