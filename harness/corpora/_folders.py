"""Folders that say again what a file's name says, and the root that is only one of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from harness.contracts import CorpusFacts
from harness.errors import CorpusError


def said_by_folder(path: str, meanings: Mapping[str, str]) -> str:
    """What the nearest folder with a known name means; empty where no folder above the file has one.

    Args:
        path: relative, with forward slashes, in any Unicode form.
        meanings: by the folder's name in lower case.

    >>> said_by_folder("TurEV/Sad/copy/1157_hl_acik.wav", {"sad": "Sad"})
    'Sad'
    """
    folders = unicodedata.normalize("NFC", path).casefold().split("/")[:-1]
    return next((meanings[name] for name in reversed(folders) if name in meanings), "")


def agreed(in_name: str, by_folder: str) -> str:
    """The raw label on which a file's name and its folder agree; both where they do not.

    A pair is in no table of labels: the file is then reported with what its name and its folder say, and nobody
    has to guess which of them is right.

    >>> agreed("Sad", ""), agreed("Sad", "Calm")
    ('Sad', 'Sad by its name, Calm by its folder')
    """
    if by_folder in {"", in_name}:
        return in_name
    return f"{in_name} by its name, {by_folder} by its folder"


def refuse_part(root: Path, facts: CorpusFacts, layout: str, part: re.Pattern[str]) -> None:
    """Stop where the root is one of several folders that make up a corpus, whose files are told by their names.

    Args:
        root: that was given.
        facts: of the corpus, for the message.
        layout: the owners' layout in words, for the message.
        part: of the names of such folders.

    Raises:
        CorpusError: the root is named like one of them, and another of them lies beside it.
    """
    place = root.resolve()
    if part.fullmatch(place.name) and any(part.fullmatch(name) for name in _folders_beside(place)):
        raise CorpusError(
            f"this folder is only a part of {facts.title}",
            got=str(root),
            wanted=layout,
            next_step=f"did you mean corpus.root={root.absolute().parent} ?",
        )


def _folders_beside(place: Path) -> list[str]:
    try:
        return [one.name for one in place.parent.iterdir() if one.name != place.name and one.is_dir()]
    except OSError:
        return []
