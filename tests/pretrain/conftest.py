"""The toy, its audio, and a command line with a cache and results of its own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from harness import registry
from harness.cli import main
from harness.pretrain._clips import Clip, clips_of_folder

SCRIPT = Path(__file__).with_name("toy_pretraining.py")


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The module `toy_pretraining.py`."""
    spec = importlib.util.spec_from_file_location("toy_pretraining", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy_pretraining"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def audio(toy: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve voices."""
    folder: Path = toy.write_audio(tmp_path_factory.mktemp("audio") / "voices")
    return folder


@pytest.fixture(scope="session")
def voices(cache: Path) -> Path:
    """The root of the corpus that makes itself, made once."""
    root: Path = registry.load("corpora", "synthetic").prepare(cache)
    return root


@pytest.fixture
def clips(audio: Path) -> list[Clip]:
    return clips_of_folder(audio)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh results folder and a fresh cache, where the cards of pre-trained models go."""
    monkeypatch.setenv("EMOHARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "results"


@pytest.fixture
def harness(results: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: exit code, standard output, standard error."""

    def call(*words: str, track: bool = False) -> tuple[int, str, str]:
        capfd.readouterr()
        if words[0] in ("run", "pretrain"):
            words = (*words, f"results={results}", *(() if track else ("track=false",)))
        code = main(list(words))
        out, err = capfd.readouterr()
        return code, out, err

    return call
