"""The same labels as different benchmarks see them: counts per view against the published listings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.errors import LabelError
from harness.tasks._views import EMOBOX, VIEWS, Labels, seen_as
from harness.tasks.emotion import Config, examples

Listing = Callable[[str], list[dict[str, Any]]]


def table(corpus: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = {
        "id": [row["utt"] for row in rows],
        "path": [row["path"] for row in rows],
        "label": [row["label"] or "" for row in rows],
        "label_raw": [str(row["label_raw"] or "") for row in rows],
    }
    return pd.DataFrame(
        {**columns, "corpus": corpus, "speaker": "", "session": "", "split": "", "duration_s": 1.0}
    )


def counts(corpus: str, rows: list[dict[str, Any]], view: Any) -> dict[str, int]:
    result = examples(table(corpus, rows), Config(view=view))
    assert len(result.examples) + sum(result.dropped.values()) == len(rows)
    return dict(Counter(example.target for example in result.examples))


@pytest.mark.parametrize("view", ["paper", "big4"])
def test_iemocap_has_5531_turns_in_four_classes(listing: Listing, view: str) -> None:
    found = counts("iemocap", listing("iemocap"), view)
    assert found == {"neutral": 1708, "happiness": 1636, "anger": 1103, "sadness": 1084}


def test_emobox_merges_excitement_in_iemocap_and_nowhere_else(listing: Listing) -> None:
    assert counts("iemocap", listing("iemocap"), "emobox")["Happy"] == 1636
    found = counts("jlcorpus", listing("jlcorpus"), "emobox")
    assert (found["Happy"], found["Excited"]) == (240, 240)
    assert len(found) == 10


def test_every_label_of_emobox_has_its_spelling(shared: Path, listing: Listing) -> None:
    """Row by row: what EmoBox's own label map makes of the raw label is what the view shows."""
    facts = json.loads((shared / "reference" / "corpora.json").read_text(encoding="utf-8"))["corpora"]
    names = {name for corpus in facts for name in (corpus["emobox_label_map"] or {}).values()}
    assert names == set(EMOBOX.values())
    checked = 0
    for corpus in facts:
        spelling = corpus["emobox_label_map"] or {}
        for row in listing(corpus["key"])[::37]:
            if row["label_raw"] in spelling and row.get("emobox_key"):
                labels = Labels(corpus["key"], row["label_raw"], row["label"])
                assert seen_as("emobox", labels) == spelling[row["label_raw"]], row
                checked += 1
    assert checked > 4000


def test_the_nine_classes_leave_nothing_out(listing: Listing) -> None:
    found = counts("iemocap", listing("iemocap"), "emotion2vec9")
    assert found == {
        "neutral": 1708, "happy": 1636, "angry": 1103, "sad": 1084, "surprised": 107, "fearful": 40,
        "disgusted": 2, "other": 1849 + 3, "unknown": 2507,
    }  # fmt: skip
    assert counts("ravdess_speech", listing("ravdess_speech"), "emotion2vec9")["neutral"] == 96 + 192


def test_the_paper_drops_zero_sentiment_and_nothing_else(listing: Listing) -> None:
    assert counts("mosi", listing("mosi"), "paper") == {"positive": 1080, "negative": 1023}
    assert len(counts("emodb", listing("emodb"), "paper")) == 7


def test_raw_shows_the_owners_codes(listing: Listing) -> None:
    assert counts("emodb", listing("emodb"), "raw")["W"] == 127


def test_a_view_and_settings_work_one_after_the_other(listing: Listing) -> None:
    config = Config(view="emobox", merge={"Sad": "Low", "Boredom": "Low"}, drop=["Neutral"])
    result = examples(table("emodb", listing("emodb")), config)
    assert Counter(example.target for example in result.examples)["Low"] == 62 + 81
    assert result.dropped == {"neutral": 79}


@pytest.mark.parametrize("view", sorted(set(VIEWS) - {"raw"}))
def test_an_unknown_label_never_vanishes(view: Any) -> None:
    rows = [{"utt": str(n), "path": "a", "label": label, "label_raw": "?"} for n, label in
            enumerate(["anger", "sadness", ""])]  # fmt: skip
    with pytest.raises(LabelError, match="does not know the label ''"):
        examples(table("mini", rows), Config(view=view))
