"""fairseq's Adam and its cosine, in PyTorch's terms.

Source: facebookresearch/fairseq at 3d262bb, `fairseq/optim/adam.py` and
`fairseq/optim/lr_scheduler/cosine_lr_scheduler.py`. Its epsilon is added before the bias correction, PyTorch's
after it; scaling PyTorch's epsilon at every step makes the two equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import ConfigError
from harness.pretrain._config import OptimiserRule

if TYPE_CHECKING:
    import torch


def resolved(rule: OptimiserRule, updates_per_epoch: float) -> OptimiserRule:
    """The rule with epochs and shares turned into updates.

    Raises:
        ConfigError: the warm-up is longer than the run.
    """
    updates = rule.updates if rule.epochs is None else max(1, round(rule.epochs * updates_per_epoch))
    warmup = rule.warmup_updates if rule.warmup_share is None else round(rule.warmup_share * updates)
    if warmup > updates:
        raise ConfigError(
            "the warm-up is longer than the run",
            got=f"optimiser.warmup_updates={warmup}, updates={updates}",
            wanted="a warm-up within the run",
            next_step="set optimiser.warmup_share=0.05",
        )
    return replace(rule, updates=updates, epochs=None, warmup_updates=warmup, warmup_share=None)


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
    """Prepare the step after `updates` finished ones; returns its learning rate.

    The epsilon belongs to the optimiser's own count of steps, which leaves out those that were not finite.
    """
    lr, steps = rate(updates, rule), _steps(chosen)
    for group in chosen.param_groups:
        group["lr"] = lr
        group["eps"] = rule.eps / math.sqrt(1 - rule.betas[1] ** (steps + 1))
    return lr


def _steps(chosen: torch.optim.AdamW) -> int:
    """Steps that the optimiser has taken; a weight without a gradient counts as moved by zero."""
    first = next(iter(chosen.state.values()), None)
    return 0 if first is None else int(first["step"])
