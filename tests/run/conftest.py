"""A results folder and a cache of their own, shared by the run tests, so that audio and features are made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
