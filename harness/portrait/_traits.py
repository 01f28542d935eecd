"""One row per utterance: who, what, how long, how loud, how much silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.manifest import Manifest
from harness.shortcuts import sentence_key
from harness.sketch import Sketches

if TYPE_CHECKING:
    import pandas as pd

NO_LABEL = "(none)"
NAMES = ("speaker", "gender", "session", "language", "split")


def traits_of(manifest: Manifest, sketches: Sketches) -> pd.DataFrame:
    """Columns id, label, sentence, `NAMES` (empty where unknown) and the columns of the sketches.

    The label is the canonical one, else the owners' own in brackets.
    """
    import pandas as pd

    rows = manifest.table
    texts = {name: _texts(rows[name]) for name in ("label", "label_raw", "sentence", "text", *NAMES)}
    sentences = zip(texts["sentence"], texts["text"], strict=True)
    measured = sketches.table.loc[rows["id"].tolist()].reset_index(drop=True)
    columns = {
        "id": rows["id"].tolist(),
        "label": [_label(*pair) for pair in zip(texts["label"], texts["label_raw"], strict=True)],
        "sentence": [sentence_key(code, words) for code, words in sentences],
        **{name: texts[name] for name in NAMES},
    }
    return pd.concat([pd.DataFrame(columns), measured], axis=1)


def _texts(column: pd.Series) -> list[str]:
    return [value if isinstance(value, str) else "" for value in column.tolist()]


def _label(canonical: str, raw: str) -> str:
    return canonical or (f"({raw})" if raw else NO_LABEL)
