"""A toy upstream, a toy corpus, and an extraction of one by the other; run as a script it is a process to kill.

[PARTNERS=N] [NO_LOCKS=1] [NO_CLAIMS=1] python toy_extraction.py CORPUS STORE DELAY_S LAYER...
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
import torch

from harness.contracts import Card, HiddenStates
from harness.extract import ExtractReport, WaveSource, extract
from harness.store import StoreKey, claims, open_store

RATE_HZ, WINDOW, HOP = 16_000, 400, 160
CARD = Card(
    name="toy", family="toy", about="random", licence="none", source="here", dim=8, layers=4, hop_samples=HOP,
    min_samples=WINDOW,
)  # fmt: skip


class Toy:
    """Frames through a random projection, then a few random layers; what is not valid is NaN."""

    def __init__(self, delay_s: float = 0.0) -> None:
        torch.manual_seed(0)
        self.card, self.delay_s, self.batches = CARD, delay_s, []
        blocks = [torch.nn.Linear(WINDOW, CARD.dim), *(torch.nn.Linear(8, 8) for _ in range(CARD.layers - 1))]
        self.module = torch.nn.Sequential(*blocks)

    def extract(self, waves: torch.Tensor, lengths: torch.Tensor) -> HiddenStates:
        time.sleep(self.delay_s)
        self.batches.append(lengths.tolist())
        frames = (lengths - WINDOW) // HOP + 1
        states = [waves.unfold(1, WINDOW, HOP)]
        for block in self.module:
            states.append(torch.tanh(block(states[-1])))
        valid = torch.arange(states[1].shape[1])[None, :, None] < frames[:, None, None]
        return HiddenStates(tuple(s.masked_fill(~valid, torch.nan) for s in states[1:]), frames)


def key(**changes: object) -> StoreKey:
    facts = {
        "corpus": "toys", "corpus_sha256": "c0", "upstream": "toy", "weights_sha256": "seed 0",
        "code_version": "1", "layers": CARD.layers, "dim": CARD.dim, "preprocessing": {"sample_rate_hz": RATE_HZ},
    }  # fmt: skip
    return StoreKey(**(facts | changes))


def make_corpus(folder: Path, count: int, seed: int = 0) -> list[WaveSource]:
    random = np.random.default_rng(seed)
    for number in range(count):
        wave = 0.1 * random.standard_normal(int(random.integers(WINDOW, RATE_HZ)))
        soundfile.write(folder / f"u{number:04d}.wav", wave, RATE_HZ, subtype="FLOAT")
    return sources(folder)


def sources(folder: Path) -> list[WaveSource]:
    return [
        WaveSource(id=path.stem, path=path, duration_s=soundfile.info(path).duration)
        for path in sorted(folder.glob("*.wav"))
    ]


def run(folder: Path, root: Path | str, delay_s: float = 0.0, layers: tuple[int, ...] = ()) -> ExtractReport:
    torch.set_num_threads(1)
    store = open_store(root, key())
    return extract(Toy(delay_s), sources(folder), store, frame_layers=layers, batch_seconds=5.0)


def wait_for_partners(folder: Path, partners: int) -> None:
    """Begin together, however long each has taken to start."""
    (folder / f"{os.getpid()}.ready").touch()
    while len([*folder.glob("*.ready")]) < partners:
        time.sleep(0.01)


def settle_in() -> None:
    """What the environment asks for: a file system without locks, claims that everybody is given."""
    if os.environ.get("NO_LOCKS"):
        sys.path.insert(0, str(Path(__file__).parent))
        from no_locks import refuse_locks

        refuse_locks()
    if os.environ.get("NO_CLAIMS"):
        take = claims.take
        claims.take = lambda work, name: take(work, f"{name}-{os.getpid()}")


if __name__ == "__main__":
    corpus, root, delay, *wanted = sys.argv[1:]
    settle_in()
    if int(os.environ["PARTNERS"]) > 1:
        wait_for_partners(Path(root), int(os.environ["PARTNERS"]))
    report = run(Path(corpus), root, float(delay), tuple(map(int, wanted)))
    sys.stdout.write(json.dumps(asdict(report)))
