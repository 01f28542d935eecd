"""What the protocols on the board give without a model: the same for every upstream, so told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.record import Record

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "recipe", "corpus", "protocol", "shortcut", "WA", "UA", "WF1", "UA interval", "pooled WA", "pooled UA",
    "remarks",
)  # fmt: skip


def shortcut_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row per recipe, protocol and shortcut, in percent; records without shortcuts add nothing."""
    import pandas as pd

    told = {(record.recipe, record.protocol["fingerprint"]): record for record in records if record.shortcuts}
    rows = [_row(told[key], entry) for key in sorted(told) for entry in told[key].shortcuts.values()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(record: Record, entry: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "recipe": record.recipe,
        "corpus": record.corpus["name"],
        "protocol": record.protocol["fingerprint"].rpartition(":")[2][:12],
        "shortcut": entry["title"],
        "UA interval": _interval(entry["metrics"].get("ua")),
        "remarks": "; ".join(_remarks(record, entry)),
    }
    for name in ("wa", "ua", "wf1"):
        row[name.upper()] = _percent(entry["metrics"].get(name), "fold_mean")
    for name in ("wa", "ua"):
        row[f"pooled {name.upper()}"] = _percent(entry["metrics"].get(name), "pooled")
    return row


def _percent(score: Mapping[str, Any] | None, figure: str) -> float:
    return round(100 * score[figure], 2) if score else float("nan")


def _interval(score: Mapping[str, Any] | None) -> str:
    if not score or score["fold_mean_interval"]["low"] is None:
        return ""
    limits = score["fold_mean_interval"]
    return f"{100 * limits['low']:.1f} to {100 * limits['high']:.1f}"


def _remarks(record: Record, entry: Mapping[str, Any]) -> list[str]:
    said = ["SYNTHETIC audio"] if record.corpus["synthetic"] else []
    if entry["undefined"]:
        said.append(f"not defined: {entry['undefined']}")
    elif entry["known"] is not None:
        said.append(f"{100 * entry['known']:.0f} % of the tested are in training")
    return said
