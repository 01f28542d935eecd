"""PAVOQUE's lists in YAML, the one of the outtakes too; texts are invented."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def annotate(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """`pavoque-<style>.yaml` beside each recording."""
    lists: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        prompt = row["utt"].rpartition("-")[0]
        times = f"  start: {row['start']}\n  end: {row['end']}\n  segments:\n  - {{lab: H#, end: 0.3}}\n"
        said = f"  text: Erfunden.\n  style: {row['label_raw']}\n"
        lists[row["path"]].append(f"- prompt: {prompt}\n{said}{times}")
    for path, entries in lists.items():
        (root / path).with_suffix(".yaml").write_text("".join(entries), encoding="utf-8")


def expected(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Outtakes are listed and not read."""
    return [row for row in rows if not row.get("outtake")]
