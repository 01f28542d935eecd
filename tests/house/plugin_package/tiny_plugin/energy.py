"""Log energy of 20 ms frames, as a third party would write it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from harness.contracts import Card, HiddenStates


@dataclass(kw_only=True)
class Config:
    """Settings of the family."""

    floor: float = 1e-8


class Energy:
    """One state, four wide: log energy and three of its powers."""

    module = None

    def __init__(self, card: Card, config: Config) -> None:
        self.card, self.config = card, config

    def extract(self, waves: torch.Tensor, lengths: torch.Tensor) -> HiddenStates:
        """See `harness.contracts.Upstream`."""
        frames = lengths // 320
        blocks = waves[:, : waves.shape[1] // 320 * 320].unflatten(1, (-1, 320))
        energy = (blocks.square().mean(-1) + self.config.floor).log()
        return HiddenStates((torch.stack([energy, energy**2 / 10, energy.sin(), energy.cos()], -1),), frames)


def load(card: Card, config: Config, weights: Path | None) -> Energy:
    """No weights to load."""
    return Energy(card, config)


def random_small(card: Card, config: Config, seed: int) -> Energy:
    """Nothing is random here."""
    return Energy(replace(card), config)
