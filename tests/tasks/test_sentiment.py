"""Scores and labels become two classes; zero is left out everywhere and counted, and nothing else is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import registry
from harness.corpora import read_names
from harness.errors import LabelError
from harness.splits import make_folds, official
from harness.tasks import TaskExamples
from harness.tasks.sentiment import Config, examples

Rows = Callable[[str], list[dict[str, Any]]]
NON_ZERO = {"mosi": (1231, 216, 656), "mosei": (12786, 1438, 3634)}
TESTED = {"mosi": {"positive": 277, "negative": 379}, "mosei": {"positive": 2284, "negative": 1350}}
ZEROS = {"mosi": 96, "mosei": 4998}
"""reference/recipes.md, section 4; the files of folds and labels of MERBench and of the SDK."""


def table(values: list[float | None], labels: list[str] | None = None) -> pd.DataFrame:
    said = labels or [""] * len(values)
    return pd.DataFrame(
        {
            "id": [f"u{n:03d}" for n in range(len(values))],
            "corpus": "mini",
            "label": "",
            "label_raw": "",
            "speaker": "video",
            "session": "",
            "split": "train",
            "path": "a.wav",
            "duration_s": 1.5,
            "values": ["{}" if v is None else json.dumps({"sentiment": v, "anger": 2.0}) for v in values],
            "labels": [json.dumps({"sentiment": name} if name else {}) for name in said],
        }
    )


@pytest.fixture(scope="module")
def told(
    listing: Rows, listing_trees: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., TaskExamples]:
    """The examples of a whole corpus, read from its owners' layout."""
    manifests: dict[str, pd.DataFrame] = {}

    def tell(name: str, config: Config | None = None) -> TaskExamples:
        if name not in manifests:
            root = listing_trees.lay_out(name, listing(name), tmp_path_factory.mktemp(name))
            corpus: Any = registry.load("corpora", name)
            manifests[name] = read_names(corpus, root).table
        return examples(manifests[name], config or Config())

    return tell


@pytest.mark.parametrize("name", ["mosi", "mosei"])
def test_the_official_parts_have_the_known_non_zero_counts(
    name: str, told: Callable[..., TaskExamples]
) -> None:
    result = told(name)
    assert result.classes == ("negative", "positive")
    assert result.dropped == {"neutral": ZEROS[name]}
    assert (
        tuple(Counter(e.split for e in result.examples)[part] for part in ("train", "dev", "test"))
        == NON_ZERO[name]
    )
    (fold,) = make_folds(official, result.examples, official.Config()).folds
    assert tuple(map(len, (fold.train, fold.dev, fold.test))) == NON_ZERO[name]
    targets = {e.id: e.target for e in result.examples}
    assert Counter(targets[i] for i in fold.test) == TESTED[name]


@pytest.mark.parametrize("name", ["mosi", "mosei"])
def test_every_target_is_the_sign_of_the_listed_score(
    name: str, told: Callable[..., TaskExamples], listing: Rows
) -> None:
    scores = {row["utt"]: float(row["label_raw"]) for row in listing(name)}
    for example in told(name).examples:
        (value,) = example.values
        assert value == pytest.approx(scores[example.id], abs=5e-7)
        assert example.target == ("positive" if scores[example.id] > 0 else "negative")


def test_zero_is_a_third_class_where_it_is_kept(told: Callable[..., TaskExamples]) -> None:
    result = told("mosi", Config(neutral="keep"))
    assert result.classes == ("negative", "neutral", "positive")
    assert Counter(e.target for e in result.examples) == {"negative": 1023, "neutral": 96, "positive": 1080}
    assert result.dropped == {}


def test_melds_own_labels(told: Callable[..., TaskExamples], listing: Rows) -> None:
    counts = Counter(row["sentiment"] for row in listing("meld"))
    result, whole = told("meld"), told("meld", Config(neutral="keep"))
    assert Counter(e.target for e in whole.examples) == counts
    assert result.dropped == {"neutral": counts["neutral"]} == {"neutral": 6436}
    assert [e for e in whole.examples if e.target != "neutral"] == list(result.examples)
    assert all(e.values == () for e in whole.examples)


@given(scores=st.lists(st.floats(-3, 3), max_size=30))
@settings(max_examples=60)
def test_rows_are_examples_or_counted_and_keep_their_order(scores: list[float]) -> None:
    rows = table([*scores, -1.0, 1.0])
    result = examples(rows, Config())
    assert len(result.examples) + sum(result.dropped.values()) == len(rows)
    kept = [n for n, score in enumerate([*scores, -1.0, 1.0]) if round(score, 6) != 0]
    assert [e.id for e in result.examples] == [f"u{n:03d}" for n in kept]
    assert all((e.target == "positive") == (e.values[0] > 0) for e in result.examples)


@pytest.mark.parametrize("score", [0.0, -0.0, 4e-7, -4e-7])
def test_what_rounds_to_zero_in_a_label_file_is_zero(score: float) -> None:
    result = examples(table([score, -0.2, 1e-6]), Config())
    assert result.dropped == {"neutral": 1}
    assert [e.values for e in result.examples] == [(-0.2,), (1e-6,)]


def test_a_score_is_taken_before_a_label() -> None:
    result = examples(table([2.0, -1.0, None], ["negative", "positive", "positive"]), Config())
    assert [(e.target, e.values) for e in result.examples] == [
        ("positive", (2.0,)),
        ("negative", (-1.0,)),
        ("positive", ()),
    ]


@pytest.mark.parametrize(
    ("values", "labels", "message"),
    [
        ([1.0, -1.0, None], None, r"(?s)1 of 3 without, first u002: nothing"),
        ([1.0, -1.0, None], ["", "", "postive"], "first u002: postive"),
        ([1.0, float("nan"), -1.0], None, "first u001: nan"),
        ([1.0, 2.0], None, "class negative has no example"),
    ],
)
def test_what_is_not_said_is_an_error_that_names_it(
    values: list[float | None], labels: list[str] | None, message: str
) -> None:
    with pytest.raises(LabelError, match=message):
        examples(table(values, labels), Config())


def test_no_zero_to_keep_is_an_error_with_the_way_out() -> None:
    with pytest.raises(LabelError, match=r"(?s)class neutral.*task\.neutral=drop"):
        examples(table([1.0, -1.0]), Config(neutral="keep"))


def test_a_corpus_of_emotions_is_refused(listing: Rows, listing_trees: ModuleType, tmp_path: Path) -> None:
    root = listing_trees.lay_out("savee", listing("savee")[:20], tmp_path)
    corpus: Any = registry.load("corpora", "savee")
    with pytest.raises(LabelError, match=r"(?s)savee does not say the sentiment.*480 of 480"):
        examples(read_names(corpus, root).table, Config())
