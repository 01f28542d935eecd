"""A network as a map from one unpadded wave to its states, for `torch.export`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class Single(nn.Module):
    """One utterance's walk through a network, which it shares with the upstream.

    Args:
        network: holds the weights that the walk reads.
        walk: (1, samples) -> one (1, frames, dim) tensor per layer.
    """

    def __init__(self, network: nn.Module, walk: Callable[[Tensor], Sequence[Tensor]]) -> None:
        super().__init__()
        self.network, self._walk = network, walk
        self.training = network.training

    def forward(self, wave: Tensor) -> Tensor:
        """(1, samples) float32 -> (layers, frames, dim)."""
        return torch.cat(list(self._walk(wave)))
