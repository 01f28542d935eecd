"""Distribution head: a small network over time means to the raters' shares of the classes.

The softmax of its outputs are the shares. It learns by the cross entropy between them and the raters' shares,
which differs from the Kullback-Leibler divergence by what no network can change. `balance` weighs every utterance
as EMO-SUPERB does (EMOsuperb/EMO-SUPERB-submission at 4167e30, `emo-superb/expert.py`): by the mean, over its
shares, of the inverse effective numbers of the classes (Cui et al. 2019, "Class-balanced loss", CVPR). No paper
gives sizes and rates for this head; batch and optimiser are EMO-SUPERB's, whose own head has no nonlinearity.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch

from downstreams._epochs import Plan
from downstreams._mlp import MeansMlp, check_mlp
from downstreams._seeded import own_chance
from downstreams._value_checks import check_shares
from downstreams._values import Measure, ValueHead, values_of
from harness.contracts import Labelled, Shape
from harness.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

NEEDS = "means"
KINDS = ("shares",)


@dataclass(kw_only=True)
class Config:
    """Settings of the head and of its training."""

    hidden_dims: list[int] = field(default_factory=lambda: [256])
    """Widths of the hidden layers; [] makes the head linear."""
    dropout: float = 0.2
    balance: bool = False
    """Weigh utterances by how rare their classes are, as EMO-SUPERB does."""
    lr: float = 1.0e-3
    """AdamW, constant."""
    weight_decay: float = 1.0e-2
    """AdamW's own default."""
    batch: int = 32
    epochs: int = 60
    select_by: Literal["jsd", "cross_entropy"] = "jsd"
    """What the watched part is measured by, less is better; EMO-SUPERB selects by its loss."""


class SharesHead(ValueHead):
    """The head with its two verbs."""

    def _check(self, train: Labelled, watch: Labelled | None) -> None:
        super()._check(train, watch)
        check_shares(train)


class BalancedHead(SharesHead):
    """The same with utterances weighted by how rare their classes are in training."""

    def _prepare(self, train: Labelled) -> None:
        super()._prepare(train)
        self._plan = replace(self._plan, loss=partial(_weighted_loss, class_weights(values_of(train))))


def build(config: Config, shape: Shape, seed: int) -> SharesHead:
    """A fresh head.

    Raises:
        ConfigError: a setting out of its range.
    """
    check_mlp(config.hidden_dims, config.dropout, lr=config.lr, batch=config.batch, epochs=config.epochs)
    if config.weight_decay < 0:
        raise ConfigError("head.weight_decay is below 0", got=config.weight_decay, wanted="0 or more")
    with own_chance(seed):
        initial = MeansMlp(shape, config.hidden_dims, config.dropout, "shares")
    plan = Plan(
        head="shares_mlp",
        epochs=config.epochs,
        batch=config.batch,
        optimiser=partial(_adamw, config),
        loss=_loss,
    )
    kind = BalancedHead if config.balance else SharesHead
    return kind(initial, shape, plan, seed, MEASURES[config.select_by])


def class_weights(shares: Tensor) -> Tensor:
    """Inverse effective numbers of the classes, (classes,), with a mean of 1.

    A class is counted where its share is above one over the number of classes; one that never is counts once,
    where EMO-SUPERB divides by zero.

    Args:
        shares: (utterances, classes) of the training part.
    """
    utterances, classes = shares.shape
    counts = (shares > 1 / classes).sum(0).clamp_min(1).double()
    beta = (utterances - 1) / utterances
    inverse = (1 - beta) / (1 - beta**counts)
    return (inverse * classes / inverse.sum()).to(shares.dtype)


def cross_entropy(outputs: Tensor, shares: Tensor) -> Tensor:
    """(utterances,) in nats, of outputs and shares (utterances, classes)."""
    return -(shares * torch.log_softmax(outputs, 1)).sum(1)


def jensen_shannon(outputs: Tensor, shares: Tensor) -> Tensor:
    """(utterances,) divergence of the outputs' softmax from the shares, base 2."""
    predicted = torch.softmax(outputs, 1)
    middle = (predicted + shares) / 2
    both = torch.xlogy(shares, shares / middle) + torch.xlogy(predicted, predicted / middle)
    return both.sum(1) / (2 * torch.log(outputs.new_tensor(2.0)))


def _loss(outputs: Tensor, part: Labelled) -> Tensor:
    return cross_entropy(outputs, values_of(part)).mean()


def _weighted_loss(weights: Tensor, outputs: Tensor, part: Labelled) -> Tensor:
    shares = values_of(part)
    return ((shares * weights).sum(1) * cross_entropy(outputs, shares)).mean()


def _mean_jensen_shannon(outputs: Tensor, shares: Tensor) -> Tensor:
    return jensen_shannon(outputs, shares).mean()


def _mean_cross_entropy(outputs: Tensor, shares: Tensor) -> Tensor:
    return cross_entropy(outputs, shares).mean()


MEASURES = {
    "jsd": Measure("jsd", "JSD", _mean_jensen_shannon, higher_is_better=False),
    "cross_entropy": Measure("cross_entropy", "CE", _mean_cross_entropy, higher_is_better=False),
}


def _adamw(config: Config, parameters: Iterable[nn.Parameter]) -> Optimizer:
    return torch.optim.AdamW(parameters, lr=config.lr, weight_decay=config.weight_decay)
