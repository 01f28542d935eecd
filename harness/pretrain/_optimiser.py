"""fairseq's Adam and its cosine, in PyTorch's terms.

Source: facebookresearch/fairseq at 3d262bb, `fairseq/optim/adam.py` and
`fairseq/optim/lr_scheduler/cosine_lr_scheduler.py`. Its epsilon is added before the bias correction, PyTorch's
after it; scaling PyTorch's epsilon at every step makes the two equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.pretrain._config import OptimiserRule

if TYPE_CHECKING:
    import torch


def optimiser(weights: Iterable[torch.nn.Parameter], rule: OptimiserRule) -> torch.optim.AdamW:
    """AdamW over all weights, decay on every one of them."""
    import torch

    return torch.optim.AdamW(
        list(weights), lr=rule.lr, betas=rule.betas, eps=rule.eps, weight_decay=rule.weight_decay
    )


def rate(updates: int, rule: OptimiserRule) -> float:
    """Learning rate of the update that follows `updates` finished ones; the first is zero in a warm-up."""
    if updates < rule.warmup_updates:
        return rule.lr * updates / rule.warmup_updates
    span = max(1, rule.updates - rule.warmup_updates)
    return 0.5 * rule.lr * (1 + math.cos(math.pi * min(1.0, (updates - rule.warmup_updates) / span)))


def set_step(chosen: torch.optim.AdamW, updates: int, rule: OptimiserRule) -> float:
    """Prepare the step after `updates` finished ones; returns its learning rate."""
    lr = rate(updates, rule)
    for group in chosen.param_groups:
        group["lr"] = lr
        group["eps"] = rule.eps / math.sqrt(1 - rule.betas[1] ** (updates + 1))
    return lr
