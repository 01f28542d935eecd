"""MER2023's tables, one per part; valences are invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`{train,test1,test2,test3}-label.csv`; those of the test parts in a folder of their own."""
    (root / "test-labels").mkdir()
    for part in ("train", "test1", "test2", "test3"):
        lines = [f"{row['utt']},{row['label_raw']},-0.25" for row in rows if row["split"] == part]
        folder = root if part == "train" else root / "test-labels"
        (folder / f"{part}-label.csv").write_text(
            "\n".join(["name,discrete,valence", *lines]), encoding="utf-8"
        )
