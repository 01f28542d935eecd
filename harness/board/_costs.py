"""What the recorded runs cost: phases, extraction, padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.record import Record

if TYPE_CHECKING:
    import pandas as pd

PHASES = ("corpus", "extract", "train", "shortcuts", "score")


def cost_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row per record: wall seconds and peak MiB of each phase, and what the extraction cost."""
    import pandas as pd

    rows = [_row(record) for record in records]
    return pd.DataFrame(rows).sort_values(["recipe", "upstream", "head"], kind="stable")


def _row(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {
        "recipe": record.recipe,
        "upstream": record.upstream["name"],
        "head": record.head["name"],
    }
    for phase in PHASES:
        cost = record.timings.get(phase)
        row[phase] = f"{cost['wall_s']:.1f} s, {cost['peak_rss_mib']:.0f} MiB" if cost else ""
    done = record.extraction
    row["remarks"] = "SYNTHETIC audio" if record.corpus["synthetic"] else ""
    row["utterances extracted"] = str(done["utterances"]) if done else ""
    row["s per second of audio"] = f"{done['s_per_audio_s']:.4f}" if done else ""
    row["padding"] = f"{100 * done['padding_share']:.1f} %" if done else ""
    return row
