"""Labels become targets, are merged or dropped; nothing gets lost uncounted."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import config, registry
from harness.errors import ConfigError, LabelError
from harness.tasks import TaskExamples
from harness.tasks.emotion import Config, examples

LABELS = ["anger", "excitement", "fear", "joy", "sadness"]


def table(labels: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"u{n:03d}" for n in range(len(labels))],
            "corpus": "mini",
            "label": labels,
            "label_raw": [label.upper() for label in labels],
            "speaker": "anna",
            "session": "1",
            "split": "train",
            "path": "a.wav",
            "duration_s": 1.5,
            "defect": "",
        }
    )


def read(name: str) -> dict[str, Any]:
    folder = Path(config.__file__).parent.parent / "recipes" / "task"
    return dict(yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")))


def recipe(name: str) -> tuple[Any, Any]:
    values = read(name)
    module = registry.load("tasks", values.pop("name"))
    return module, config.build(module.Config, values, where=name)


def test_every_task_recipe_builds(project_root: Path) -> None:
    names = sorted(path.stem for path in (project_root / "recipes" / "task").glob("*.yaml"))
    assert {"emotion", "emotion_iemocap4"} <= set(names)
    for name in names:
        module, _ = recipe(name)
        assert callable(module.examples)


def test_all_labels_in_alphabetical_order_by_default() -> None:
    result = examples(table(["joy", "anger", "joy"]), Config())
    assert result.classes == ("anger", "joy")
    assert [e.target for e in result.examples] == ["joy", "anger", "joy"]
    assert result.dropped == {}


def test_an_example_carries_its_row() -> None:
    (first, _) = examples(table(["joy", "anger"]), Config()).examples
    assert (first.id, first.utterances, first.speaker) == ("u000", ("u000",), "anna")
    assert (first.session, first.split, first.duration_s) == ("1", "train", 1.5)
    assert first.path == "a.wav"


def test_missing_cells_are_empty() -> None:
    rows = table(["joy", "anger"]).assign(
        speaker=[None, "anna"], session=pd.NA, duration_s=[float("nan"), 1.0]
    )
    (first, _) = examples(rows, Config()).examples
    assert (first.speaker, first.session, first.duration_s) == ("", "", 0.0)


@given(labels=st.lists(st.sampled_from(LABELS), min_size=1, max_size=40))
@settings(max_examples=60)
def test_rows_are_examples_or_counted_and_keep_their_order(labels: list[str]) -> None:
    rows = table([*labels, "joy", "sadness"])
    result = examples(rows, Config(merge={"excitement": "joy"}, drop=["fear"]))
    assert len(result.examples) + sum(result.dropped.values()) == len(rows)
    kept = rows[rows["label"] != "fear"]
    assert [e.id for e in result.examples] == kept["id"].tolist()
    assert [e.target for e in result.examples] == kept["label"].replace("excitement", "joy").tolist()
    assert result.classes == tuple(sorted({e.target for e in result.examples}))


def test_a_label_nobody_named_is_an_error_that_names_it() -> None:
    settings_ = Config(classes=["joy", "anger"], drop=["frustation"])
    with pytest.raises(LabelError, match=r"(?s)'frustration'.*2 utterance.*task\.drop"):
        examples(table(["joy", "anger", "frustration", "frustration"]), settings_)


@pytest.mark.parametrize("label", ["", None])
def test_an_empty_label_is_an_error(label: str | None) -> None:
    with pytest.raises(LabelError, match="''"):
        examples(table(["joy", "anger"]).assign(label=["joy", label]), Config())


@pytest.mark.parametrize(
    ("labels", "settings_", "message"),
    [
        (["joy"], Config(), "one class is no task"),
        (["joy", "anger"], Config(classes=["joy", "anger", "fear"]), "class fear has no example"),
        (["joy", "joy"], Config(classes=["joy"]), "one class is no task"),
    ],
)
def test_a_task_without_choice_is_refused(labels: list[str], settings_: Config, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        examples(table(labels), settings_)


@pytest.mark.parametrize(
    "settings_",
    [
        Config(drop=["joy"], merge={"joy": "anger"}),
        Config(classes=["joy", "anger"], drop=["joy"]),
        Config(classes=["joy", "anger"], merge={"joy": "anger"}),
        Config(classes=["joy", "joy"]),
        Config(classes=["joy", "anger"], merge={"excitement": "happiness"}),
        Config(merge={"excitement": "joy"}, drop=["joy"]),
        Config(merge={"excitement": "joy", "joy": "happiness"}),
    ],
)
def test_contradictions_are_refused(settings_: Config) -> None:
    with pytest.raises(ConfigError, match="contradict"):
        examples(table(["joy", "anger"]), settings_)


def test_all_contradictions_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        examples(table(["joy"]), Config(classes=["joy", "fear"], drop=["joy"], merge={"a": "b"}))
    assert "joy is a class and dropped" in str(caught.value)
    assert "a is merged into b" in str(caught.value)


def iemocap(shared: Path) -> pd.DataFrame:
    with gzip.open(shared / "reference" / "listings" / "iemocap.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return pd.DataFrame(
        {
            "id": [row["utt"] for row in rows],
            "corpus": "iemocap",
            "label": [row["label"] for row in rows],
            "label_raw": [row["label_raw"] for row in rows],
            "speaker": [row["speaker"] for row in rows],
            "session": [str(row["session"]) for row in rows],
            "split": "",
            "path": [row["path"] for row in rows],
            "duration_s": [row["dur"] for row in rows],
            "expected": [row.get("label_4class") for row in rows],
        }
    )


def test_iemocap_four_classes(shared: Path) -> None:
    rows = iemocap(shared)
    module, settings_ = recipe("emotion_iemocap4")
    result: TaskExamples = module.examples(rows, settings_)
    assert result.classes == ("neutral", "happiness", "anger", "sadness")
    counts = Counter(e.target for e in result.examples)
    assert counts == {"neutral": 1708, "happiness": 1636, "anger": 1103, "sadness": 1084}
    sessions = Counter(e.session for e in result.examples)
    assert [sessions[s] for s in "12345"] == [1085, 1023, 1151, 1031, 1241]
    assert len(result.examples) == 5531
    assert sum(result.dropped.values()) == 10039 - 5531
    assert result.dropped["undecided"] == 2507
    kept = rows[rows["expected"].notna()]
    assert [(e.id, e.target) for e in result.examples] == list(zip(kept["id"], kept["expected"], strict=True))


def test_iemocap_with_all_its_labels(shared: Path) -> None:
    module, settings_ = recipe("emotion")
    result = module.examples(iemocap(shared), settings_)
    assert len(result.examples) == 10039
    assert len(result.classes) == 11
