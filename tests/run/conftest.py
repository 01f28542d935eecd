"""A results folder and a cache of their own, shared by the run tests, so that audio and features are made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.cli import main


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh results folder; MLflow writes beside it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "results"


@pytest.fixture
def harness(
    cache: Path, results: Path, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: exit code, standard output, standard error."""

    def call(*words: str, track: bool = False) -> tuple[int, str, str]:
        capfd.readouterr()
        if words[0] in ("run", "extract"):
            words = (
                *words,
                f"results={results}",
                *(() if track or words[0] == "extract" else ("track=false",)),
            )
        code = main(list(words))
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="session")
def iemocap_root(
    listing: Callable[[str], list[dict[str, Any]]],
    iemocap_tree: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """All 10,039 turns under their true names, labels and layout, with generated sound of 0.05 s."""
    root: Path = iemocap_tree.build_iemocap_tree(tmp_path_factory.mktemp("iemocap"), listing("iemocap"))
    return root
