"""One real run, and records made from it by changing what a run on the paper's own data would have said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import config, models, record
from harness.cli import main
from harness.record import Record

RECIPE = "emodb_e2v_10fold"


@pytest.fixture(scope="session")
def made(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The recipe of Table 4's EmoDB on synthetic audio with MFCCs, in three folds, for one epoch."""
    results = tmp_path_factory.mktemp("made") / "results"
    words = [
        f"recipe={RECIPE}",
        "corpus=synthetic",
        "upstream=mfcc",
        "head.epochs=1",
        "split.folds=3",
        "resamples=20",
    ]
    assert main(["run", *words, "track=false", f"results={results}"]) == 0
    (found,) = record.load_all(results)
    return found


@pytest.fixture(scope="session")
def faithful(made: Record) -> Record:
    """The same as if it had been run on EmoDB, by the published checkpoint, in all folds, for all epochs."""
    card = models.presented(config.card_named("wavlm_base"))
    facts = {"name": card.name, "family": card.family, "layers": card.layers, "dim": card.dim}
    return replace(
        made,
        key="f" * 64,
        corpus=made.corpus | {"name": "emodb", "synthetic": False, "utterances": 535, "hours": 0.4131},
        task=made.task | {"examples": 535},
        upstream=made.upstream
        | facts
        | {"options": dict(card.options), "weights": f"{card.hub_id}@{card.revision}"},
        head=made.head | {"settings": made.head["settings"] | {"epochs": 100}},
        protocol=made.protocol | {"settings": made.protocol["settings"] | {"folds": 10}},
    )


@pytest.fixture
def results(tmp_path: Path, project_root: Path) -> Path:
    """A fresh results folder with the published numbers."""
    folder = tmp_path / "results"
    folder.mkdir()
    shutil.copy(project_root / "results" / "published.json", folder)
    return folder


@pytest.fixture
def table(results: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Save records, make a table, and give the Markdown that is shown."""

    def call(name: str, *records: Record) -> str:
        for one in records:
            record.save(results, one)
        capfd.readouterr()
        assert main(["table", name, f"results={results}"]) == 0
        return capfd.readouterr().out

    return call


@pytest.fixture(scope="session")
def published(project_root: Path) -> dict[str, Any]:
    """Everything that is printed elsewhere."""
    return dict(json.loads((project_root / "results" / "published.json").read_text(encoding="utf-8")))
