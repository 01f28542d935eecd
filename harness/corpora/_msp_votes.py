"""Votes of MSP-Podcast's workers for a primary emotion, out of `labels_detailed`.

Three forms in the releases: JSON, file name -> worker -> `EmoClass_Major`; CSV with a column of that name, one
line per worker; and CSV with one column `EmoDetail`, `WORKER1; Neutral; Neutral,Calm; A:4.0; V:4.0; D:4.0;`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.corpora._tables import Row, read_table, read_text
from harness.errors import CorpusError

FILES = ("labels_detailed.json", "labels_detailed.csv")
CODES = {
    "angry": "A",
    "happy": "H",
    "sad": "S",
    "neutral": "N",
    "surprise": "U",
    "fear": "F",
    "disgust": "D",
    "contempt": "C",
}
"""What a worker chose, in lower case -> the code of the consensus; every other word is `OTHER`."""
OTHER = "O"

Votes = dict[str, float]


def read_votes(folder: Path) -> dict[str, Votes]:
    """Name of a clip without extension -> code -> how many workers chose it; empty where there is no such file.

    Raises:
        CorpusError: the file is there and cannot be read.
    """
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if path is None:
        return {}
    votes: dict[str, Votes] = {}
    for name, word in _json_votes(path) if path.suffix == ".json" else _csv_votes(path):
        if word.strip():
            counted = votes.setdefault(name.removesuffix(".wav"), {})
            code = CODES.get(word.strip().lower(), OTHER)
            counted[code] = counted.get(code, 0.0) + 1.0
    return votes


def _json_votes(path: Path) -> list[tuple[str, str]]:
    try:
        clips: Mapping[str, Mapping[str, Mapping[str, str]]] = json.loads(read_text(path))
        return [
            (name, str(said["EmoClass_Major"]))
            for name, workers in clips.items()
            for said in workers.values()
        ]
    except (ValueError, AttributeError, TypeError, KeyError) as fault:
        raise CorpusError(
            "the single votes of MSP-Podcast cannot be read",
            got=f"{path}: {type(fault).__name__}: {fault}",
            wanted="JSON: file name -> worker -> EmoClass_Major and others",
            next_step="restore it from the owners' archive, or take it away to go without votes",
        ) from fault


def _csv_votes(path: Path) -> Iterator[tuple[str, str]]:
    rows = read_table(path, ("FileName",))
    if rows and "emodetail" not in rows[0].values:
        return _named(read_table(path, ("FileName", "EmoClass_Major")))
    return _packed(rows)


def _named(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    return ((row["FileName"], row["EmoClass_Major"]) for row in rows)


def _packed(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    for row in rows:
        parts = row["EmoDetail"].split(";")
        if len(parts) < 2:
            raise row.refused("EmoDetail", "WORKER; primary emotion; secondary ones; A:n; V:n; D:n;")
        yield row["FileName"], parts[1]
