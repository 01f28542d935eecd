"""Where in a freshly unpacked folder does the corpus begin? Where its own module can read it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from harness.contracts import Corpus
from harness.errors import CorpusError

_DEEPEST = 3
_MOST_FOLDERS = 500


def find_root(corpus: Corpus, target: Path) -> Path:
    """The folder that `corpus.root=` wants: the target or, level by level, a folder in it.

    Raises:
        CorpusError: the module reads none of them; what it says of the target itself.
    """
    try:
        return next(folder for folder in islice(_folders(target), _MOST_FOLDERS) if _reads(corpus, folder))
    except StopIteration:
        raise _not_recognised(corpus, target) from None


def _reads(corpus: Corpus, folder: Path) -> bool:
    try:
        return next(iter(corpus.read(folder)), None) is not None
    except CorpusError:
        return False


def _folders(target: Path) -> Iterator[Path]:
    level = [target]
    for _ in range(_DEEPEST + 1):
        yield from level
        level = [
            entry
            for folder in level
            for entry in sorted(folder.iterdir())
            if entry.is_dir() and not entry.name.startswith(".")
        ]


def _not_recognised(corpus: Corpus, target: Path) -> CorpusError:
    what = f"{corpus.FACTS.title} was fetched, and its layout is not the one that is read"
    try:
        first = next(iter(corpus.read(target)), None)
    except CorpusError as fault:
        return CorpusError(what, got=fault.got, wanted=fault.wanted, next_step=f"look into {target}")
    return CorpusError(
        what, got=f"no utterance (first: {first})", wanted="utterances", next_step=f"look into {target}"
    )
