"""CMU-MOSEI's labels, transcripts and standard folds; times and texts are invented, 2 ms for every clip number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

FOLDS = {"train": "standard_train_fold", "val": "standard_valid_fold", "test": "standard_test_fold"}
TRANSCRIPTS = Path("Raw/Transcript/Segmented/Combined")


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """Transcripts, `CMU_MOSEI_Labels.csd` and `cmu_mosei_std_folds.py`."""
    videos: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        videos[row["video"]].append(row)
    write_transcripts(videos, root)
    with h5py.File(root / "CMU_MOSEI_Labels.csd", "w") as file:
        for video, segments in videos.items():
            group = file.create_group(f"All Labels/data/{video}")
            group["intervals"] = np.array([times(row["segment"]) for row in segments], dtype=np.float32)
            group["features"] = np.array([[row["label_raw"], *[0] * 6] for row in segments], dtype=np.float32)
    folds = {
        name: [v for v, rows in videos.items() if rows[0]["split"] == part] for part, name in FOLDS.items()
    }
    text = "\n".join(f"{name}={videos!r}" for name, videos in folds.items())
    (root / "cmu_mosei_std_folds.py").write_text(text, encoding="utf-8")


def write_transcripts(videos: Mapping[str, Sequence[Mapping[str, Any]]], root: Path) -> None:
    """One file per video; every one begins with a line that has no label."""
    (root / TRANSCRIPTS).mkdir(parents=True, exist_ok=True)
    for video, segments in videos.items():
        lines = [
            f"{video}___{row['segment']}___{start}___{end}___Invented text {row['segment']}"
            for row in segments
            for start, end in [times(row["segment"])]
        ]
        unlabelled = f"{video}___999___0.4___0.5___Not labelled"
        (root / TRANSCRIPTS / f"{video}.txt").write_text("\n".join([unlabelled, *lines]), encoding="utf-8")


def times(segment: int) -> tuple[float, float]:
    """Invented times that every tiny sound is long enough for."""
    return round(0.002 * segment, 3), round(0.002 * segment + 0.002, 3)
