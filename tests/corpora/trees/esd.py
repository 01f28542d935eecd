"""ESD's texts, one file per speaker in the encodings that the owners mixed; what is said is invented."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WORDS = {"Neutral": "中立", "Angry": "生气", "Happy": "快乐", "Sad": "伤心", "Surprise": "惊喜"}
SPOKEN = {"zh": "编造的句子。", "en": "Invented sentence, café."}
ENCODINGS = {"0001": "utf-16", "0002": "gb2312", "0011": "latin-1"}
"""All others are UTF-8."""


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`0001/0001.txt` and so on: id, text and emotion with tabs between them."""
    lines: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        word = row["label_raw"] if row["language"] == "en" else WORDS[row["label_raw"]]
        lines[row["speaker"]].append(f"{row['utt']}\t{SPOKEN[row['language']]}\t{word}")
    for speaker, said in lines.items():
        encoding = ENCODINGS.get(speaker, "utf-8")
        (root / speaker / f"{speaker}.txt").write_text("\n".join([*said, " \n"]), encoding=encoding)
