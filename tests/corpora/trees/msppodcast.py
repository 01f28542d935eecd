"""MSP-Podcast's table of release 1.8; attributes are invented, and who the listing does not name is `Unknown`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HEADER = ["FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"]


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`Labels/labels_concensus.csv`."""
    (root / "Labels").mkdir(parents=True, exist_ok=True)
    with (root / "Labels/labels_concensus.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(HEADER)
        for row in rows:
            who = [row["speaker"] or "Unknown", (row["gender"] or "unknown").title()]
            name = row["path"].rpartition("/")[2]
            table.writerow([name, row["label_raw"], 4.2, 3.8, 4.0, *who, row["split"]])
