"""Indexes: path, length and checksum of every published file of a corpus; never a label, never audio.

The rule is mirdata's (mirdata/datasets/indexes). With an index a copy that has all the right names and the
wrong sound is caught by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from harness.audio import inspect

FOLDER = Path(__file__).resolve().parent / "index"
HEADER = "path\tsamples\tpcm_sha256"


class IndexEntry(NamedTuple):
    """What the published file holds."""

    path: str
    samples: int
    """Per channel, at the corpus's own rate."""
    pcm_sha256: str


def read_index(path: Path) -> list[IndexEntry]:
    """The rows of an index, in its order."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return [IndexEntry(name, int(samples), checksum) for name, samples, checksum in rows]


def index_text(root: Path, paths: Iterable[str]) -> str:
    """The index of these files, sorted by path: how the indexes in this folder were made.

    Raises:
        AudioError: one of the files cannot be read.
    """
    rows = []
    for path in sorted(paths):
        info = inspect(root / path)
        rows.append(f"{path}\t{info.samples}\t{info.pcm_sha256}")
    return "\n".join([HEADER, *rows, ""])


def corpora_of_content(contents: Iterable[str]) -> list[str]:
    """The corpora with an index that hold one of these files, known by the SHA-256 of its decoded samples."""
    wanted = set(contents)
    return [
        path.stem
        for path in sorted(FOLDER.glob("*.tsv"))
        if any(entry.pcm_sha256 in wanted for entry in read_index(path))
    ]
