"""Who works on a stage shows in nothing that it leaves: here, by workers, and where the harness decides itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from harness import features as features_module
from harness.cli import main
from harness.scale import _look as look_module
from harness.scale._needs import cores_here

Work = Callable[..., dict[str, str]]


@pytest.fixture
def work(
    cells: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Work:
    """Run the command here, on a cache of its own; hashes of all cells and shards."""
    monkeypatch.chdir(tmp_path)
    for stage in ("extract", "train", "load"):
        (tmp_path / f"{stage}.open").touch()
    monkeypatch.setenv("EMOHARNESS_TEST_GATE", str(tmp_path))

    def call(name: str, *words: str) -> dict[str, str]:
        places = (f"results={name}", f"store={tmp_path}/stores/{name}")
        code = main(["run", *words, *places, "track=false", "resamples=20"])
        assert code == 0, capfd.readouterr().err
        kept = [*Path(name).glob("cells/*/*.parquet"), *Path("stores", name).glob("*/shards/*/*.npy")]
        return {"/".join(path.parts[-3:]): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}

    return call


RUNS = {
    "calibrated": ("recipe=synthetic_5fold", "upstream=gated_levels", "head=lda", "view=last"),
    "conversations": (
        "recipe=synthetic_epc",
        "upstream=mfcc",
        "modality=speech",
        "head.epochs=1",
        "head.hidden_dim=16",
        "task.turns=2",
    ),
    "scales, two seeds": ("recipe=synthetic_dimensions", "upstream=mfcc", "seeds=[0,1]", "head.epochs=2"),
    "frames": ("recipe=synthetic_5fold", "upstream=fbank", "head=e2v_linear", "view=last", "head.epochs=1"),
}


@pytest.mark.parametrize("words", RUNS.values(), ids=RUNS.keys())
def test_by_two_workers(words: tuple[str, ...], work: Work, tmp_path: Path) -> None:
    """A model is calibrated once per fold, here; workers read the features of their fold, and load none."""
    alone = work("alone", *words, "scale.workers=1")
    assert alone
    assert work("two", *words, "scale.workers=2") == alone
    if (tmp_path / "load.log").exists():
        assert set((tmp_path / "load.log").read_text().split()) == {str(os.getpid())}


def test_workers_are_taken_where_it_is_worth_it(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asks for them: they come where a stage seems to take long, and not where it does not."""
    words = ("recipe=synthetic_5fold", "upstream=gated_energy", "head=gated_linear", "view=last")
    quick = work("quick", *words)
    assert _workers(tmp_path) == {"extract": {os.getpid()}, "train": {os.getpid()}}
    monkeypatch.setattr(features_module, "SMALL_S", 0.0)
    monkeypatch.setattr(look_module, "LOOK_S", 0.0)
    monkeypatch.setattr(look_module, "WORTH_S", 0.0)
    assert work("slow", *words) == quick
    if cores_here() > 1:
        found = _workers(tmp_path)
        assert len(found["extract"] - {os.getpid()}) > 0
        assert len(found["train"] - {os.getpid()}) > 0


def _workers(folder: Path) -> dict[str, set[int]]:
    """Processes that have come to the gates."""
    logs = {stage: (folder / f"{stage}.log").read_text().split() for stage in ("extract", "train")}
    return {stage: set(map(int, log)) for stage, log in logs.items()}
