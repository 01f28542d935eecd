"""A study whose view lies on disk gives, bit by bit, what it gives from memory, and keeps no view of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness import whole
from harness.cells import WholeView
from harness.config import compose
from harness.features import Features
from harness.fit import FoldViews, fit
from harness.study import Study, plan

HEADS = {
    "superb_linear": ["head.updates=60", "head.eval_every=30"],
    "e2v_linear": ["head.epochs=2", "view=last"],
    "e2v_linear standardised": ["head.epochs=2", "head.standardise=true", "view=last"],
    "gru": ["head.epochs=1", "head.hidden_dim=8", "view=last"],
    "ridge": ["view=weighted"],
    "lda": ["view=last"],
    "linear_svc": ["view=last"],
    "e2v_linear by speaker": ["head.epochs=2", "view=last", "speakers=zscore"],
    "superb_linear by speaker": ["head.updates=60", "speakers=zscore"],
}


def study_of(case: str) -> Study:
    words = ["upstream=mfcc", f"head={case.split(maxsplit=1)[0]}", *HEADS[case]]
    return plan(compose("synthetic_5fold", words))


def trained(study: Study) -> tuple[FoldViews, Tensor]:
    features, fold = Features(study), study.folds.folds[1]
    features.prepare(fold)
    views = WholeView(study, features).views(fold)
    settings, classes = study.head.settings, len(study.examples.classes)
    made = fit(
        study.head.module, settings, views, classes=classes, select="test", seed=1, progress=lambda _: None
    )
    return views, made.head.predict(views.test.view)


@pytest.mark.parametrize("case", HEADS)
def test_the_same_bits_from_disk_and_from_memory(
    case: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_of(case)
    before = set((cache / "views").glob("*.npy"))
    in_memory, wanted = trained(study)
    assert set((cache / "views").glob("*.npy")) == before, "a small view needs no file"
    monkeypatch.setattr(whole, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(whole, "BLOCK_BYTES", 5_000)
    on_disk, got = trained(study)
    assert torch.equal(got, wanted)
    assert type(in_memory.train.view.values) is Tensor
    assert type(on_disk.train.view.values) is not Tensor
    assert torch.equal(on_disk.train.view.values[:], in_memory.train.view.values)
    files = {path: path.stat().st_ino for path in (cache / "views").glob("*.npy")}
    assert files.keys() >= before
    trained(study)
    assert {path: path.stat().st_ino for path in (cache / "views").glob("*.npy")} == files, "written twice"


def test_another_view_of_the_same_store_has_another_file(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head, layers, speakers and examples: what changes a number changes the name."""
    monkeypatch.setattr(whole, "IN_MEMORY_BYTES", 0)
    names = []
    for words in (
        ["view=last"],
        ["view=weighted"],
        ["view=last", "speakers=zscore"],
        ["head=gru", "view=last"],
    ):
        study = plan(compose("synthetic_5fold", ["upstream=fbank", "head=lda", *words]))
        before = set((cache / "views").glob("*.npy"))
        features = Features(study)
        features.prepare(study.folds.folds[0])
        WholeView(study, features).views(study.folds.folds[0])
        names += [path.name for path in set((cache / "views").glob("*.npy")) - before]
    assert len(set(names)) == 4
