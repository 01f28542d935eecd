"""Log energy of 20 ms frames; a process waits once it has given a whole shard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gated_plugin import gate
from harness.contracts import Card, HiddenStates

CARD = {
    "name": "gated_energy", "family": "gated_energy", "about": "log energy", "licence": "Apache-2.0",
    "source": "the test suite", "dim": 4, "layers": 1, "hop_samples": 320, "min_samples": 320,
    "trained_on": [],
}  # fmt: skip
COST = {"core_s_per_audio_s": 0.001}
SHARD_UTTERANCES = 64


@dataclass(kw_only=True)
class Config:
    """No settings."""


class Energy:
    """One state, four wide: log energy and three of its powers."""

    module = None

    def __init__(self, card: Card) -> None:
        self.card = card

    def extract(self, waves: torch.Tensor, lengths: torch.Tensor) -> HiddenStates:
        """See `harness.contracts.Upstream`."""
        gate.come("extract", SHARD_UTTERANCES)
        states, frames = states_of(waves, lengths)
        return HiddenStates((states,), frames)


def states_of(waves: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(batch, frames, 4) and (batch,) valid frames."""
    blocks = waves[:, : waves.shape[1] // 320 * 320].unflatten(1, (-1, 320))
    energy = (blocks.square().mean(-1) + 1e-8).log()
    return torch.stack([energy, energy**2 / 10, energy.sin(), energy.cos()], -1), lengths // 320


def load(card: Card, config: Config, weights: Path | None) -> Energy:
    """No weights to load."""
    return Energy(card)


def random_small(card: Card, config: Config, seed: int) -> Energy:
    """Nothing is random here."""
    return Energy(replace(card))
