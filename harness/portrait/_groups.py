"""Count, length, level and silence of every class, speaker, gender, session, language and part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.portrait._traits import NAMES

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "(unknown)"
TITLES = {"label": "class", "label, gender": "class and gender"}


def group_table(traits: pd.DataFrame) -> pd.DataFrame:
    """One row per group; `by` says what they are groups of, the first row is the whole corpus.

    What the corpus does not name, or has one value of, is left out, but for class and speaker.
    """
    import pandas as pd

    return pd.concat([_described(by, names, traits) for by, names in _groupings(traits)], ignore_index=True)


def _groupings(traits: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """What is grouped, and the group of every utterance."""
    named = {name: traits[name].replace("", UNKNOWN) for name in ("label", *NAMES)}
    yield "all", named["label"].map(lambda _: "all")
    for name, groups in named.items():
        if groups.nunique() > 1 or name in ("label", "speaker"):
            yield TITLES.get(name, name), groups
        if name == "gender" and groups.nunique() > 1:
            yield TITLES["label, gender"], named["label"] + ", " + groups


def _described(by: str, names: pd.Series, traits: pd.DataFrame) -> pd.DataFrame:
    groups = traits.groupby(names.rename("group"), sort=True)
    table = groups.agg(
        utterances=("id", "size"),
        speakers=("speaker", lambda who: who[who != ""].nunique()),
        total_min=("duration_s", lambda seconds: seconds.sum() / 60),
        duration_mean_s=("duration_s", "mean"),
        duration_sd_s=("duration_s", "std"),
        level_mean_dbfs=("level_dbfs", "mean"),
        level_sd_db=("level_dbfs", "std"),
        peak_mean_dbfs=("peak_dbfs", "mean"),
        silence_mean_pct=("silence_share", lambda share: 100 * share.mean()),
    ).reset_index()
    table.insert(2, "share_pct", 100 * table["utterances"] / len(traits))
    table.insert(0, "by", by)
    return table
