"""The audit counts what is there."""

from __future__ import annotations

import json

from harness.audit import audit_split
from harness.contracts import Example, Fold
from harness.splits import Folds


def test_counts_classes_and_shared_speakers() -> None:
    rows = [
        Example("a", ("a",), "joy", "anna"),
        Example("b", ("b",), "sad", "bert"),
        Example("c", ("c",), "joy", "anna"),
        Example("d", ("d",), "sad", ""),
        Example("e", ("e",), "sad", "bert"),
    ]
    folds = Folds(
        folds=(Fold("x", ("a", "b"), ("c",), ("d", "e")),),
        fingerprint="folds-v1:0",
        select="dev",
        shares_speakers_as="a paper",
        shared_speakers=("bert",),
        dev_shares_speakers=True,
        warnings=("w",),
    )
    audit = audit_split(folds, rows, ["sad", "joy", "fear"])
    (fold,) = audit.folds
    assert fold.examples == {"train": 2, "dev": 1, "test": 2}
    assert fold.classes["train"] == {"sad": 1, "joy": 1, "fear": 0}
    assert list(fold.classes["test"].items()) == [("sad", 2), ("joy", 0), ("fear", 0)]
    assert fold.speakers == {"train": 2, "dev": 1, "test": 1}
    assert fold.unknown_speakers == {"train": 0, "dev": 0, "test": 1}
    assert fold.shared_speakers == {"train/dev": ("anna",), "train/test": ("bert",), "dev/test": ()}
    plain = json.loads(json.dumps(audit.to_dict()))
    assert plain["fingerprint"] == "folds-v1:0"
    assert plain["folds"][0]["shared_speakers"]["train/test"] == ["bert"]
    assert plain["warnings"] == ["w"]
