"""Corpora on disk for the tests of this folder; what is measured is remembered in a folder of the test run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.contracts import CorpusFacts, Utterance


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
