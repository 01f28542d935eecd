"""Small copies of corpora under their true names, with tones whose pitch tells the emotion in every one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from harness import registry
from harness.cli import main

PITCH_HZ = {"anger": 400, "happiness": 300, "neutral": 200, "sadness": 120, "boredom": 90}
OTHER_HZ = 700
SECONDS = 0.3


def tone(key: str, label: str, rate_hz: int) -> np.ndarray:
    """A tone with noise; the same key gives the same samples."""
    rng = np.random.default_rng(int(hashlib.sha256(key.encode()).hexdigest()[:8], 16))
    time_s = np.arange(int(SECONDS * rate_hz)) / rate_hz
    pitch_hz = PITCH_HZ.get(label, OTHER_HZ) * (1 + 0.05 * rng.normal())
    harmonics = [np.sin(2 * np.pi * k * pitch_hz * time_s) / k for k in range(1, 8)]
    return (0.1 * sum(harmonics) + 0.02 * rng.normal(size=len(time_s))).astype(np.float32)


def lay_out(root: Path, corpus: str, paths: Iterable[str]) -> Path:
    """Write these files of a corpus; their labels are those of its own module."""
    module = registry.load("corpora", corpus)
    chosen = set(paths)
    for path in chosen:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    for row in module.read(root):
        if row.path in chosen:
            label, rate_hz = module.FACTS.labels[row.label_raw], module.FACTS.sample_rate_hz
            soundfile.write(root / row.path, tone(f"{corpus} {row.id}", label, rate_hz), rate_hz)
    return root


def index_paths(corpus: ModuleType, speakers: int, each: int) -> list[str]:
    """The first files of every emotion of the first speakers, out of the module's own index."""
    from harness.corpora._index import FOLDER, read_index

    name = corpus.FACTS.name
    rows = [corpus._utterance(entry) for entry in read_index(FOLDER / f"{name}.tsv")]
    who = list(dict.fromkeys(row.speaker for row in rows))[:speakers]
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.speaker in who:
            found.setdefault((row.speaker, row.label_raw), []).append(row.path)
    return [path for paths in found.values() for path in paths[:each]]


@pytest.fixture(scope="session")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Corpus -> its small copy."""
    folder = tmp_path_factory.mktemp("corpora")
    emodb, urdu = (registry.load("corpora", name) for name in ("emodb", "urdu"))
    ravdess = {
        name: [f"Actor_{a:02d}/03-{c}-{e:02d}-01-01-01-{a:02d}.wav" for a in (1, 2, 3) for e in (1, 3, 4, 5)]
        for name, c in (("ravdess_speech", "01"), ("ravdess_song", "02"))
    }
    return {
        "emodb": lay_out(folder / "emodb", "emodb", index_paths(emodb, 5, 3)),
        "urdu": lay_out(folder / "urdu", "urdu", index_paths(urdu, 29, 2)),
        **{name: lay_out(folder / name, name, paths) for name, paths in ravdess.items()},
    }


@pytest.fixture
def call(
    cache: Path, roots: dict[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a verb on the small copies, into a results folder of its own: exit code, output, errors."""

    def words(verb: str, *given: str) -> tuple[int, str, str]:
        capfd.readouterr()
        asked = " ".join(given) if verb == "cross" else "emodb urdu"
        named = [f"roots.{name}={root}" for name, root in roots.items() if name in asked]
        common = ["corpus.on_fault=repair", f"results={tmp_path / 'results'}", "track=false", "resamples=50"]
        code = main([verb, *given, *named, *common])
        out, err = capfd.readouterr()
        return code, out, err

    return words
