"""Random weights for small test networks, strong enough that a fault anywhere shows at the output.

The start values of transformers will not do: unit gains and zero offsets in every norm hide a wrong norm, and
weights of deviation 0.02 make attention over 32 numbers all but uniform.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils import parametrize

Network = TypeVar("Network", bound=nn.Module)


def seeded(build: Callable[[], Network], seed: int) -> Network:
    """Build a network and draw all its weights from one seed, without touching the caller's random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build()
        with torch.no_grad():
            for module in network.modules():
                _draw(module)
    return network.eval().requires_grad_(False)


def _draw(module: nn.Module) -> None:
    if isinstance(module, nn.LayerNorm | nn.GroupNorm) and module.weight is not None:
        module.weight.uniform_(0.5, 1.5)
        module.bias.normal_(std=0.2)
    elif isinstance(module, nn.Linear | nn.Conv1d):
        if not parametrize.is_parametrized(module):
            module.weight.normal_(std=1 / math.sqrt(module.weight[0].numel()))
        if module.bias is not None:
            module.bias.normal_(std=0.1)
    elif isinstance(module, nn.Embedding):
        module.weight.normal_()
