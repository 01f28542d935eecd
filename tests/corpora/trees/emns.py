"""EMNS's table; texts and dates are invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HEADER = "id|user_id|utterance|description|emotion|date_created|status|gender|age|level|audio_recording"


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`metadata.csv`, whose last column names every recording in a folder that is not shipped."""
    lines = [HEADER]
    for number, row in enumerate(rows):
        start = [number, row["speaker"], "Invented.", "{transcription} said", row["label_raw"]]
        middle = ["2022-07-16 15:43:06", "Complete", row["gender"] or "", "20s", row["intensity"]]
        lines.append("|".join(map(str, [*start, *middle, f"wavs/{row['utt']}.webm"])))
    (root / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
