"""Regression head: a small network over time means to numbers on scales, trained for concordance.

The loss is one minus the concordance correlation of a batch, the mean over scales (Lin 1989, Biometrics 45,
255-268; as a loss for arousal and valence: Trigeorgis et al. 2016, "Adieu features?", ICASSP), or the mean squared
error. Concordance is what the field reports, and what selects the epoch. No paper gives sizes and rates for this
head; they are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch

from downstreams._epochs import Plan
from downstreams._mlp import MeansMlp, check_mlp
from downstreams._seeded import own_chance
from downstreams._value_checks import check_varied
from downstreams._values import Measure, ValueHead, values_of
from harness.contracts import Labelled, Shape
from harness.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

NEEDS = "means"
KINDS = ("scales",)
SMALLEST = 1e-8
"""Added to a denominator that is zero where truth and prediction are one constant."""


@dataclass(kw_only=True)
class Config:
    """Settings of the head and of its training."""

    hidden_dims: list[int] = field(default_factory=lambda: [256])
    """Widths of the hidden layers; [] makes the head linear."""
    dropout: float = 0.2
    loss: Literal["ccc", "mse"] = "ccc"
    """`ccc`: one minus the concordance of the batch, so that batches should be large; `mse`: squared error."""
    lr: float = 1.0e-3
    """AdamW, constant."""
    weight_decay: float = 1.0e-2
    """AdamW's own default."""
    batch: int = 64
    epochs: int = 60


class ScalesHead(ValueHead):
    """The head with its two verbs; every scale has to vary in training."""

    def _check(self, train: Labelled, watch: Labelled | None) -> None:
        super()._check(train, watch)
        check_varied(train)


def build(config: Config, shape: Shape, seed: int) -> ScalesHead:
    """A fresh head.

    Raises:
        ConfigError: a setting out of its range.
    """
    check_mlp(config.hidden_dims, config.dropout, lr=config.lr, batch=config.batch, epochs=config.epochs)
    if config.weight_decay < 0:
        raise ConfigError("head.weight_decay is below 0", got=config.weight_decay, wanted="0 or more")
    if config.loss == "ccc" and config.batch < 2:
        raise ConfigError("one utterance has no concordance", got="head.batch=1", next_step="head.batch=64")
    with own_chance(seed):
        initial = MeansMlp(shape, config.hidden_dims, config.dropout, "scales")
    plan = Plan(
        head="scales_mlp",
        epochs=config.epochs,
        batch=config.batch,
        optimiser=partial(_adamw, config),
        loss=_discordance if config.loss == "ccc" else _squared_error,
    )
    return ScalesHead(initial, shape, plan, seed, Measure("ccc", "CCC", _mean_concordance))


def concordance(outputs: Tensor, values: Tensor) -> Tensor:
    """Concordance correlation per scale, with population moments; differentiable.

    Args:
        outputs: (utterances, scales).
        values: the same shape.

    Returns:
        (scales,), 0 where both are one constant.

    >>> concordance(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[1.0], [2.0], [3.0]]))
    tensor([1.])
    """
    moved, true = outputs - outputs.mean(0), values - values.mean(0)
    covariance = (moved * true).mean(0)
    bias = outputs.mean(0) - values.mean(0)
    return 2 * covariance / (moved.square().mean(0) + true.square().mean(0) + bias.square() + SMALLEST)


def _mean_concordance(outputs: Tensor, values: Tensor) -> Tensor:
    return concordance(outputs, values).mean()


def _discordance(outputs: Tensor, part: Labelled) -> Tensor:
    return 1 - _mean_concordance(outputs, values_of(part))


def _squared_error(outputs: Tensor, part: Labelled) -> Tensor:
    return torch.nn.functional.mse_loss(outputs, values_of(part))


def _adamw(config: Config, parameters: Iterable[nn.Parameter]) -> Optimizer:
    return torch.optim.AdamW(parameters, lr=config.lr, weight_decay=config.weight_decay)
