"""MELD's three tables, at the root, as the owners' repository has them; texts are invented."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BEFORE = ["Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"]
HEADER = [*BEFORE, "Season", "Episode", "StartTime", "EndTime"]


def annotate(rows: Sequence[Mapping[str, Any]], root: Path, encoding: str = "utf-8") -> None:
    """`train_sent_emo.csv` and so on, in the order of the listing."""
    for part in ("train", "dev", "test"):
        with (root / f"{part}_sent_emo.csv").open("w", encoding=encoding, newline="") as file:
            table = csv.writer(file)
            table.writerow(HEADER)
            table.writerows(_cells(row) for row in rows if row["split"] == part)


def _cells(row: Mapping[str, Any]) -> list[Any]:
    _, dialogue, utterance = row["utt"].split("_")
    said = f"Invented, it’s said: {row['utt']}."
    middle = [row["speaker"], row["label_raw"], row["sentiment"], dialogue[3:], utterance[3:]]
    return [row["sr_no"], said, *middle, row["season"], row["episode"], row["ep_start"], row["ep_end"]]
