"""Corpora on disk for the tests of this folder; what is measured is remembered in a folder of the test run."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.contracts import CorpusFacts, Utterance


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test reads or writes the user's cache."""
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("cache")
    patch.setenv("EMOHARNESS_CACHE", str(folder))
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def iemocap_tree() -> ModuleType:
    """The builder of folders in IEMOCAP's layout."""
    spec = importlib.util.spec_from_file_location("iemocap_tree", Path(__file__).with_name("iemocap_tree.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def listing(shared: Path) -> Callable[[str], list[dict[str, Any]]]:
    """The rows of a listing by corpus name."""

    def rows(name: str) -> list[dict[str, Any]]:
        with gzip.open(
            shared / "reference" / "listings" / f"{name}.jsonl.gz", "rt", encoding="utf-8"
        ) as lines:
            return [json.loads(line) for line in lines]

    return rows


@dataclass
class ToyCorpus:
    """Six clips of two speakers, 0.2 s each, as a corpus module would read them; `rows` may be tampered with."""

    FACTS: CorpusFacts
    rows: list[Utterance]
    root: Path

    def read(self, root: Path) -> list[Utterance]:
        return self.rows

    def write(self, name: str, samples: np.ndarray, rate_hz: int = 16_000, **options: Any) -> None:
        soundfile.write(self.root / "wav" / name, samples, rate_hz, **options)


@pytest.fixture
def toy(tmp_path: Path) -> ToyCorpus:
    facts = CorpusFacts(
        name="toy",
        title="Toy",
        languages=("en",),
        licence="none",
        access="made here",
        citation="none",
        labels={"a": "anger", "n": "neutral"},
        utterances=6,
        speakers=2,
        sample_rate_hz=16_000,
    )
    (tmp_path / "wav").mkdir()
    rows = [
        Utterance(
            id=f"u{i}",
            path=f"wav/u{i}.wav",
            label_raw="an"[i % 2],
            speaker=f"s{i // 3}",
            expected_duration_s=0.2,
        )
        for i in range(6)
    ]
    toy = ToyCorpus(facts, rows, tmp_path)
    draw = np.random.default_rng(0)
    for i in range(6):
        toy.write(f"u{i}.wav", draw.integers(-999, 999, 3200, dtype=np.int16), subtype="PCM_16")
    return toy
