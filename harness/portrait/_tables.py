"""Tables as people read them: short headings, rounded figures, the long tail of groups told by its count."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.portrait._portrait import Portrait

if TYPE_CHECKING:
    import pandas as pd

HEADINGS = {
    "utterances": ("utterances", 0),
    "share_pct": ("%", 1),
    "speakers": ("speakers", 0),
    "total_min": ("minutes", 1),
    "duration_mean_s": ("mean s", 2),
    "duration_sd_s": ("sd s", 2),
    "level_mean_dbfs": ("level dBFS", 1),
    "level_sd_db": ("sd dB", 1),
    "peak_mean_dbfs": ("peak dBFS", 1),
    "silence_mean_pct": ("silence %", 1),
}


def group_tables(portrait: Portrait, most: int) -> Iterator[tuple[str, pd.DataFrame, int]]:
    """For each grouping: its name, the table of its `most` largest groups, and how many more there are."""
    for by, rows in portrait.groups.groupby("by", sort=False):
        largest = rows.nlargest(most, "utterances").sort_index() if len(rows) > most else rows
        yield str(by), _shown(largest, str(by)), len(rows) - len(largest)


def _shown(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    import pandas as pd

    columns = {by: rows["group"].tolist()}
    for name, (heading, digits) in HEADINGS.items():
        columns[heading] = [figure(value, digits) for value in rows[name]]
    return pd.DataFrame(columns)


def shortcut_table(portrait: Portrait) -> pd.DataFrame:
    """One row per cue, in percent."""
    import pandas as pd

    rows = portrait.shortcuts
    shares = {
        "UA %": "ua",
        "± %": "ua_half_width",
        "chance %": "chance",
        "UA % new speakers": "ua_new_speakers",
    }
    shares |= {"WA %": "wa", "majority %": "majority"}
    columns = {"cue": rows["cue"].tolist(), "verdict": rows["verdict"].tolist()}
    for heading, name in shares.items():
        columns[heading] = [figure(100 * value, 1) for value in rows[name]]
    effects = zip(rows["effect_name"], rows["effect"], strict=True)
    columns["effect"] = [f"{name} {figure(value, 2)}" for name, value in effects]
    columns["within speakers"] = [figure(value, 2) for value in rows["effect_within_speakers"]]
    return pd.DataFrame(columns)


def copy_table(portrait: Portrait, most: int) -> pd.DataFrame:
    """The first pairs of copies."""
    table = portrait.copies.head(most).copy()
    table["similarity"] = [figure(value, 3) for value in table["similarity"]]
    for name in ("same class", "same speaker"):
        table[name] = ["yes" if same else "no" for same in table[name]]
    return table


def figure(value: float, digits: int) -> str:
    """Rounded; nothing where it is not known.

    >>> figure(1.26, 1), figure(float("nan"), 1)
    ('1.3', '')
    """
    return "" if math.isnan(value) else f"{round(value, digits) + 0.0:.{digits}f}"  # no minus before zero


def copies_line(portrait: Portrait) -> str:
    """How many copies there are, and what they cross."""
    pairs = portrait.copies
    if pairs.empty:
        return "No two utterances are the same recording."
    exact = int((pairs["kind"] == "exact").sum())
    classes, speakers = (int((~pairs[name].astype(bool)).sum()) for name in ("same class", "same speaker"))
    return (
        f"{len(pairs)} pairs are one recording: {exact} equal in every sample, {len(pairs) - exact} near copies"
        f" or cuts that overlap; {classes} of them carry two classes, {speakers} two speakers' names."
    )
