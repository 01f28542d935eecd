"""What the protocols on the board give without a model: the same for every upstream, so told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.board._figures import as_number, column, in_order, interval, kind_of
from harness.record import Record

if TYPE_CHECKING:
    import pandas as pd

CLASSES = (
    "recipe", "corpus", "protocol", "shortcut", "WA", "UA", "WF1", "UA interval", "pooled WA", "pooled UA",
)  # fmt: skip
"""Always there; those of scales and shares come where there are such records."""
COMPARED_BY = {"classes": ("wa", "ua", "wf1"), "scales": ("ccc",), "shares": ("jsd", "votes_f1")}


def shortcut_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row per recipe, protocol and shortcut, in percent; records without shortcuts add nothing."""
    import pandas as pd

    told = {(record.recipe, record.protocol["fingerprint"]): record for record in records if record.shortcuts}
    rows = [_row(told[key], entry) for key in sorted(told) for entry in told[key].shortcuts.values()]
    table = pd.DataFrame(rows, columns=in_order(rows, CLASSES, ("remarks",)))
    texts = [name for name in table if str(name).endswith("interval")]
    return table.fillna(dict.fromkeys(texts, ""))


def _row(record: Record, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "recipe": record.recipe,
        "corpus": record.corpus["name"],
        "protocol": record.protocol["fingerprint"].rpartition(":")[2][:12],
        "shortcut": entry["title"],
        **_figures(record.scores, entry["metrics"]),
        "remarks": "; ".join(_remarks(record, entry)),
    }


def _figures(scores: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, Any]:
    """Fold means, the interval of what shortcuts are compared by, and the same pooled."""
    kind = kind_of(scores)
    names = [name for name in COMPARED_BY[kind] if name in scores["metrics"]]
    titles = {name: column(scores["metrics"][name]) for name in names}
    compared = "ua" if kind == "classes" else names[0] if names else ""
    row: dict[str, Any] = {titles[name]: as_number(measured.get(name), "fold_mean") for name in names}
    if compared in titles:
        row[f"{titles[compared]} interval"] = interval(measured.get(compared), "fold_mean")
    pooled = [name for name in names if name != "wf1"]
    return row | {f"pooled {titles[name]}": as_number(measured.get(name), "pooled") for name in pooled}


def _remarks(record: Record, entry: Mapping[str, Any]) -> list[str]:
    said = ["SYNTHETIC audio"] if record.corpus["synthetic"] else []
    if entry["undefined"]:
        said.append(f"not defined: {entry['undefined']}")
    elif entry["known"] is not None:
        said.append(f"{100 * entry['known']:.0f} % of the tested are in training")
    return said
