"""Corpora on disk for the tests of this folder; what is measured is remembered in a folder of the test run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.contracts import CorpusFacts, Utterance

sys.path.append(str(Path(__file__).parent))  # the tests are no package; several of them import corpus_folders


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


@pytest.fixture
def lay(listing_trees: ModuleType, tmp_path: Path) -> Callable[..., Path]:
    """Puts files of these names into a folder: empty, or a tiny sound of the corpus's own rate."""

    def lay_out(names: Iterable[str], like: Any = None, folder: str = "copy") -> Path:
        sound = None
        if like is not None:
            sound = listing_trees.tiny_sound(tmp_path / f"{like.FACTS.name}.wav", like.FACTS)
        (tmp_path / folder).mkdir(exist_ok=True)
        listing_trees.link_all(tmp_path / folder, names, sound)
        return tmp_path / folder

    return lay_out


@pytest.fixture
def tree(lay: Callable[..., Path]) -> Callable[..., Path]:
    """A folder with files of these names: `lay`, where a test needs no more than one."""
    return lay
