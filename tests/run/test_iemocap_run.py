"""IEMOCAP in its true layout and with its true counts, from the command line to the record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]
PER_SESSION = [1085, 1023, 1151, 1031, 1241]
PER_CLASS = {"neutral": 1708, "happiness": 1636, "anger": 1103, "sadness": 1084}


def the_record(results: Path) -> dict[str, object]:
    (path,) = (results / "records").glob("*.json")
    return dict(json.loads(path.read_text()))


@pytest.mark.parametrize("recipe", ["iemocap_5fold", "iemocap_superb"])
def test_five_folds_of_the_four_class_task(
    harness: Call, results: Path, iemocap_root: Path, recipe: str
) -> None:
    code, out, err = harness("run", f"recipe={recipe}", f"corpus.root={iemocap_root}", "head.updates=20")
    assert code == 0, err
    record = the_record(results)
    assert record["corpus"]["utterances"] == 10_039
    assert record["task"]["examples"] == 5_531
    assert sum(record["task"]["dropped"].values()) == 10_039 - 5_531
    folds = record["protocol"]["folds"]
    assert [fold["examples"]["test"] for fold in folds] == PER_SESSION
    tested = {name: sum(fold["classes"]["test"][name] for fold in folds) for name in PER_CLASS}
    assert tested == PER_CLASS
    for fold in folds:
        rest = 5_531 - fold["examples"]["test"]
        assert fold["examples"]["train"] == int(0.8 * rest)
        assert not fold["shared_speakers"]["train/test"]
        assert not fold["shared_speakers"]["dev/test"]
    assert sum(map(sum, record["scores"]["confusion"])) == 5_531
    assert record["scores"]["speakers"] == 10
    assert "mean of the folds" in out
