"""A picture on disk: PNG for the screen, PDF for print, and its numbers as CSV and JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.board import markdown
from harness.paths import write_text
from harness.plots import save

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def write_figure(
    stem: str, picture: Figure, table: pd.DataFrame, facts: Mapping[str, Any], results: Path
) -> str:
    """Write `figures/<stem>.png`, `.pdf`, `.csv` and `.json` below a results folder; returns what to say.

    They hold scores, counts and drawn points, no names of utterances, and may be shown like the board. Neither a
    clock nor a version is in them: the same input gives the same bytes.
    """
    place = results / "figures" / stem
    for suffix in (".png", ".pdf"):
        save(picture, _with(place, suffix))
    write_text(_with(place, ".csv"), table.to_csv(index=False, lineterminator="\n"))
    told = {**facts, "heading": picture.get_suptitle().split("\n"), "table": table.to_dict("records")}
    write_text(_with(place, ".json"), json.dumps(told, indent=1, default=str, allow_nan=True) + "\n")
    notes = [f"note: {note}" for note in facts.get("notes", ())]
    return "\n".join(
        [
            str(facts["title"]),
            *notes,
            "",
            markdown(table),
            "",
            f"figures/{place.name}.png, .pdf, .csv, .json under {results}",
        ]
    )


def _with(place: Path, suffix: str) -> Path:
    return place.with_name(f"{place.name}{suffix}")
