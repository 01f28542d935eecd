"""Recordings on disk as a corpus for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.contracts import CorpusFacts, Utterance
from harness.corpora import load_corpus
from harness.manifest import Manifest

Files = Mapping[str, tuple[np.ndarray, int]]
ManifestOf = Callable[..., Manifest]


class Folder:
    """A corpus of the files of a folder, or of parts of one file."""

    def __init__(self, rows: list[Utterance]) -> None:
        self.rows = rows
        self.FACTS = CorpusFacts(
            name="toy", title="Toy", languages=("en",), licence="none", access="made here", citation="none",
            labels={"a": "anger"}, utterances=len(rows), speakers=1, sample_rate_hz=16_000,
        )  # fmt: skip

    def read(self, root: Path) -> list[Utterance]:
        return self.rows


@pytest.fixture
def manifest_of(tmp_path: Path) -> ManifestOf:
    """Write waves (name with suffix -> samples and rate) and give their manifest; `parts` cuts the first file."""

    def make(files: Files, parts: list[tuple[float, float]] | None = None, **options: Any) -> Manifest:
        folder = tmp_path / f"corpus{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name, (wave, rate_hz) in files.items():
            soundfile.write(folder / name, wave, rate_hz, **options)
        rows = [Utterance(id=Path(name).stem, path=name, label_raw="a", speaker="s") for name in files]
        if parts is not None:
            path = rows[0].path
            rows = [
                Utterance(id=f"p{k}", path=path, label_raw="a", speaker="s", start_s=start, end_s=end)
                for k, (start, end) in enumerate(parts)
            ]
        return load_corpus(Folder(rows), folder, on_fault="repair")

    return make
