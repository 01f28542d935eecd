"""From rows of the manifest to examples of one utterance, the same for every task that reads single utterances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.contracts import Example

if TYPE_CHECKING:
    import pandas as pd

TEXTS = ("id", "corpus", "path", "label", "label_raw", "speaker", "session", "split")
COLUMNS = (*TEXTS, "duration_s")
OPTIONAL = ("gender",)
"""Empty where the table lacks them."""


def plain_rows(table: pd.DataFrame, further: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The rows of a manifest without pandas' missing values: text that is not there is empty, a duration 0.

    Args:
        table: columns `COLUMNS` and `further`; one row per utterance.
        further: names of further text columns.
    """
    texts = (*TEXTS, *further, *OPTIONAL)
    wanted = [*COLUMNS, *further, *(name for name in OPTIONAL if name in table)]
    return [_plain(row, texts) for row in table.loc[:, wanted].to_dict("records")]


def _plain(row: dict[Any, Any], texts: Sequence[str]) -> dict[str, Any]:
    said = {name: row[name] if isinstance(row.get(name), str) else "" for name in texts}
    duration_s = float(row["duration_s"])
    return {**said, "duration_s": duration_s if math.isfinite(duration_s) else 0.0}


def utterance_example(row: dict[str, Any], target: str, values: tuple[float, ...] = ()) -> Example:
    """An example that reads one utterance, from a row that `plain_rows` gave."""
    return Example(
        id=row["id"],
        utterances=(row["id"],),
        target=target,
        speaker=row["speaker"],
        session=row["session"],
        split=row["split"],
        duration_s=row["duration_s"],
        path=row["path"],
        values=values,
        gender=row["gender"],
    )
