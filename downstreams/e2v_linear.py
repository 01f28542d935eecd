"""emotion2vec's released head: Linear -> ReLU -> mean over the valid frames -> Linear, on one layer's frames.

Source: ddlBoJack/emotion2vec @ a0e606c, `iemocap_downstream/` (model, training loop and the values in force; its
config's weight decay and label smoothing are never read). RMSprop with a triangular cyclic rate that is stepped
once per epoch; torch's default also cycles the momentum, 0.9 -> 0.8 -> 0.9. The released script sets seed 42 once
for all five folds; here the recipe's seed starts every fold, so write `seeds: [42]` for the nearest run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn

from downstreams._checks import check_is_frames, check_positive, check_single_layer
from downstreams._epochs import FrameHead, Plan
from downstreams._pooling import segment_mean
from downstreams._seeded import own_chance
from harness.contracts import Means, PackedFrames, Shape

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

NEEDS = "frames"


@dataclass(kw_only=True)
class Config:
    """Settings of the head and of its training, as released."""

    hidden_dim: int = 256
    """`iemocap_downstream/model.py`."""
    lr: float = 5.0e-4
    """RMSprop; also the lower end of the cycle."""
    max_lr: float = 1.0e-3
    """Upper end of the cycle."""
    momentum: float = 0.9
    """RMSprop, and the upper end of the momentum's own cycle (the lower one is torch's default, 0.8)."""
    cycle_up_epochs: int = 10
    """`step_size_up`: epochs from the lower to the upper end."""
    batch: int = 128
    epochs: int = 100


class FrameLinear(nn.Module):
    """Linear -> ReLU -> mean over frames -> Linear; the parameters carry the released names."""

    def __init__(self, shape: Shape, hidden_dim: int) -> None:
        super().__init__()
        self.pre_net = nn.Linear(shape.dim, hidden_dim)
        self.post_net = nn.Linear(hidden_dim, shape.classes)

    def forward(self, view: Means | PackedFrames) -> Tensor:
        """Logits, (utterances, classes)."""
        frames = check_is_frames(view, "e2v_linear")
        hidden = torch.relu(self.pre_net(frames.values[:, 0].float()))
        logits: Tensor = self.post_net(segment_mean(hidden, frames.offsets))
        return logits


def build(config: Config, shape: Shape, seed: int) -> FrameHead:
    """A fresh head.

    Raises:
        ConfigError: a view of several layers, or a setting that is not above zero.
    """
    check_positive(**vars(config))
    check_single_layer(shape, "e2v_linear")
    with own_chance(seed):
        initial = FrameLinear(shape, config.hidden_dim)
    plan = Plan(
        head="e2v_linear",
        epochs=config.epochs,
        batch=config.batch,
        optimiser=partial(_rmsprop, config),
        schedule=partial(_cycle, config),
    )
    return FrameHead(initial, shape, plan, seed)


def _rmsprop(config: Config, parameters: Iterable[nn.Parameter]) -> Optimizer:
    return torch.optim.RMSprop(parameters, lr=config.lr, momentum=config.momentum)


def _cycle(config: Config, optimiser: Optimizer) -> LRScheduler:
    return torch.optim.lr_scheduler.CyclicLR(
        optimiser,
        base_lr=config.lr,
        max_lr=config.max_lr,
        step_size_up=config.cycle_up_epochs,
        max_momentum=config.momentum,
    )
