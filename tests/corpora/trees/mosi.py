"""CMU-MOSI's labels as MMSA's table, with clip numbers padded otherwise than the files' names."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HEADER = ["video_id", "clip_id", "text", "label", "label_T", "label_A", "label_V", "annotation", "mode"]
MODES = {"train": "train", "val": "valid", "test": "test"}


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`label.csv`."""
    with (root / "label.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(HEADER)
        for row in rows:
            start = [row["video"], f"{row['segment']:04d}", "INVENTED TEXT", row["label_raw"]]
            table.writerow([*start, "", "", "", row["label"].title(), MODES[row["split"]]])
