"""Rate and epsilon of every step, held to fairseq's own formulas."""

from __future__ import annotations

import math

import pytest
import torch

from harness.errors import ConfigError
from harness.pretrain._config import OptimiserRule
from harness.pretrain._optimiser import optimiser, rate, resolved, set_step


def fairseq_adam(weight: torch.Tensor, grads: list[torch.Tensor], rule: OptimiserRule) -> torch.Tensor:
    """One weight through fairseq's Adam, in double precision (fairseq/optim/adam.py at 3d262bb)."""
    x, m, v = weight.double(), torch.zeros_like(weight).double(), torch.zeros_like(weight).double()
    for step, grad in enumerate(grads, start=1):
        lr = rate(step - 1, rule)
        m = rule.betas[0] * m + (1 - rule.betas[0]) * grad.double()
        v = rule.betas[1] * v + (1 - rule.betas[1]) * grad.double() ** 2
        size = lr * math.sqrt(1 - rule.betas[1] ** step) / (1 - rule.betas[0] ** step)
        x = x - rule.weight_decay * lr * x - size * m / (v.sqrt() + rule.eps)
    return x


def test_steps_are_fairseq_s() -> None:
    """With gradients as small as epsilon, where the two ways of adding it differ by half; 1e-6: float32."""
    rule = OptimiserRule(lr=0.01, warmup_updates=3, updates=12, eps=1e-3)
    draw = torch.Generator().manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(5, generator=draw))
    grads = [1e-3 * torch.randn(5, generator=draw) for _ in range(12)]
    wanted = fairseq_adam(weight.detach().clone(), grads, rule)
    chosen = optimiser([weight], rule)
    for step, grad in enumerate(grads):
        set_step(chosen, step, rule)
        weight.grad = grad.clone()
        chosen.step()
    assert torch.allclose(weight.detach().double(), wanted, rtol=0, atol=1e-6)


def test_epsilon_counts_steps_that_were_taken() -> None:
    """An update that was not finite moves the schedule on, not the optimiser's own count."""
    rule = OptimiserRule(lr=0.01, warmup_updates=0, updates=12)
    weight = torch.nn.Parameter(torch.ones(2))
    chosen = optimiser([weight], rule)
    set_step(chosen, 0, rule)
    weight.grad = torch.ones(2)
    chosen.step()
    set_step(chosen, 5, rule)
    assert chosen.param_groups[0]["eps"] == pytest.approx(rule.eps / math.sqrt(1 - rule.betas[1] ** 2))


def test_rate_rises_from_zero_and_falls_to_zero() -> None:
    rule = OptimiserRule(lr=2.0, warmup_updates=4, updates=12)
    assert [rate(n, rule) for n in (0, 2, 4)] == [0.0, 1.0, 2.0]
    assert rate(8, rule) == pytest.approx(1.0)
    assert rate(12, rule) == pytest.approx(0.0)
    assert rate(0, OptimiserRule(lr=2.0, warmup_updates=0, updates=12)) == 2.0


def test_epochs_and_shares_become_updates() -> None:
    rule = resolved(OptimiserRule(epochs=100, warmup_share=0.05), updates_per_epoch=943.2)
    assert (rule.updates, rule.warmup_updates) == (94_320, 4_716)
    assert resolved(OptimiserRule(updates=9, warmup_updates=9), 1.0).updates == 9
    with pytest.raises(ConfigError, match="warm-up is longer"):
        resolved(OptimiserRule(updates=9), 1.0)
