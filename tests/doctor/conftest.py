"""Made-up corpora of names, and their folds, for the doctor to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from harness.contracts import CorpusFacts, Example, Fold
from harness.manifest import COLUMNS, Manifest
from harness.splits import Folds, SplitConfig, cut_folds

EMPTY = dict.fromkeys(
    ("gender", "session", "dialogue", "text", "sentence", "language", "split", "defect"), ""
)
NUMBERS = {
    "turn": -1,
    "start_s": float("nan"),
    "end_s": float("nan"),
    "sample_rate_hz": 16_000,
    "channels": 1,
}


class Partial(SplitConfig):
    """Folds that need not test everything."""

    tests_everything = False
    dev_shares_speakers = True


def manifest_of(rows: Sequence[Mapping[str, Any]]) -> Manifest:
    """A manifest of rows that say at least `id`; a speaker, label or duration that is not given is made up."""
    facts = CorpusFacts(
        name="crowd", title="Crowd", languages=("en",), licence="none", access="here", citation="none",
        labels={}, utterances=len(rows), speakers=0, sample_rate_hz=16_000,
    )  # fmt: skip
    made = {"corpus": "crowd", "label": "joy", "label_raw": "joy", "duration_s": 1.0, "content": "", **EMPTY}
    full = [{"speaker": row["id"], "path": f"{row['id']}.wav", **NUMBERS, **made, **row} for row in rows]
    return Manifest(facts=facts, root=Path("nowhere"), table=pd.DataFrame(full, columns=list(COLUMNS)))


def examples_of(manifest: Manifest) -> list[Example]:
    """One example per row."""
    return [
        Example(row["id"], (row["id"],), row["label"], row["speaker"], duration_s=row["duration_s"])
        for row in manifest.table.to_dict("records")
    ]


def folds_of(examples: Sequence[Example], *folds: Fold, select: Any = "last") -> Folds:
    """These folds, not judged."""
    config = Partial(select=select)
    module: Any = SimpleNamespace(Config=Partial, split=lambda examples, config: iter(folds))
    return cut_folds(module, examples, config)


@pytest.fixture
def crowd() -> Callable[..., tuple[Manifest, list[Example]]]:
    """Rows -> manifest and examples."""

    def make(*rows: Mapping[str, Any]) -> tuple[Manifest, list[Example]]:
        manifest = manifest_of(rows)
        return manifest, examples_of(manifest)

    return make


@pytest.fixture
def cut() -> Callable[..., Folds]:
    """Examples and folds -> folds as the doctor takes them."""
    return folds_of
