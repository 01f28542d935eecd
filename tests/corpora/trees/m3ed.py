"""M3ED's annotation and lists of series; texts and times are invented, genders are those of the listing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`annotation.json` and `splitInfo/movie_list_{train,val,test}.txt`."""
    series: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        name = row["dialogue"].rpartition("_")[0]
        dialogue = series[name].setdefault(row["dialogue"], {"SpeakerInfo": {}, "Dialog": {}})
        dialogue["SpeakerInfo"][row["role"]] = _who(row, name)
        dialogue["Dialog"][row["utt"]] = _said(row)
    (root / "annotation.json").write_text(json.dumps(series, ensure_ascii=False), encoding="utf-8")
    (root / "splitInfo").mkdir()
    for part in ("train", "val", "test"):
        names = {row["dialogue"].rpartition("_")[0]: None for row in rows if row["split"] == part}
        (root / f"splitInfo/movie_list_{part}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")


def _who(row: Mapping[str, Any], series: str) -> dict[str, Any]:
    name = row["speaker"].removeprefix(f"{series}_")
    return {"Name": name, "Age": "mid", "Gender": row["gender"] or "", "OtherName": []}


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    votes = {f"EmoAnnotator{number}": row["label_raw"] for number in (1, 2, 3)}
    final = {"final_mul_emo": f"{row['label_raw']},Surprise", "final_main_emo": row["label_raw"]}
    times = {"StartTime": "00:00:00:01", "EndTime": "00:00:01:04"}
    return {**times, "Text": "虚构的一句", "Speaker": row["role"], "EmoAnnotation": votes | final}
