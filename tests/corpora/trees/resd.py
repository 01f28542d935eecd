"""RESD's tables, paths without the part's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`train.csv` and `test.csv`."""
    for part in ("train", "test"):
        lines = [
            f"{row['utt']},{row['path'].removeprefix(part + '/')},{row['label_raw']}"
            for row in rows
            if row["split"] == part
        ]
        (root / f"{part}.csv").write_text("\n".join(["name,path,emotion", *lines]) + "\n", encoding="utf-8")
