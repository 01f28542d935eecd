"""Emozionalmente's tables of clips and people; sentences are invented, and no gender where none is listed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`metadata/samples.csv` and `metadata/users.csv`."""
    (root / "metadata").mkdir()
    clips = ([f"{row['utt']}.wav", row["speaker"], "Frase inventata.", row["label_raw"]] for row in rows)
    write(root / "metadata/samples.csv", ["file_name", "actor", "sentence", "emotion_expressed"], clips)
    people = {row["speaker"]: [row["speaker"], 30, row["gender"] or ""] for row in rows}
    write(root / "metadata/users.csv", ["username", "age", "gender"], people.values())


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table with commas."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(header)
        table.writerows(rows)
