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

from downstreams._checks import check_is_frames, check_positive, check_single_layer, check_view
from downstreams._epochs import FrameHead, Plan
from downstreams._frame_linear import FrameLinear
from downstreams._frame_linear_step import FrameLinearStepper, pooled
from downstreams._seeded import own_chance
from downstreams._select_by import MeasuredSelection, SelectBy
from harness.contracts import Labelled, Means, PackedFrames, Shape

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from downstreams._selection import Selection

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
    select_by: SelectBy = "wa"
    """What the watched part is measured by; Table 7 of the paper (sentiment) reports WF1."""
    standardise: bool = False
    """Scale every channel by the frames of the training part. The released script does not; hand-made features, in
    which a loudness stands beside a frequency in Hz, cannot be learnt without."""


class FrameLinearHead(FrameHead):
    """The trained head, which can also show what its first layer makes of an utterance.

    It is trained by `FrameLinearStepper`, whose gradient is written out, and evaluated by the same code; the
    network's own `forward` with autograd gives the same to rounding.
    """

    def _prepare(self, train: Labelled) -> None:
        network = _network(self.module)
        if network.standardises:
            network.take_scale(train.view)
        frames = check_is_frames(train.view, "e2v_linear")
        self._stepper = FrameLinearStepper(network, frames, train.targets)

    def _epoch(self, train: Labelled, optimiser: Optimizer, order: torch.Generator) -> float:
        """Every utterance once; the mean loss."""
        total = 0.0
        for rows in self._batches(len(train.view), order):
            total += self._stepper.gradient(rows)
            optimiser.step()
        return total / len(train.view)

    def _selection(self, watch: Labelled | None) -> Selection:
        return MeasuredSelection(self._plan.select_by, "epoch", watch, self._plan.batch, _logits)

    def predict(self, view: Means | PackedFrames) -> Tensor:
        """Logits, (utterances, classes) float32; before `fit` those of the untrained network."""
        check_view(check_is_frames(view, "e2v_linear"), self._shape, "predicted part")
        return _logits(self.module, view, self._plan.batch)

    @torch.no_grad()
    def embed(self, view: Means | PackedFrames) -> Tensor:
        """Mean over the frames of the first layer's output after ReLU, (utterances, hidden_dim) float32.

        Source: emotion2vec (arXiv 2312.15185), Figures 3 and 5, show "the output of the first linear layer"; that
        it is taken after the ReLU and as a mean over time is our reading.
        """
        frames = check_is_frames(view, "e2v_linear")
        check_view(frames, self._shape, "embedded part")
        return pooled(_network(self.module), frames, torch.arange(len(frames)))


def _network(module: nn.Module) -> FrameLinear:
    if not isinstance(module, FrameLinear):
        raise TypeError(f"{type(module).__name__} has no first linear layer")
    return module


@torch.no_grad()
def _logits(module: nn.Module, view: Means | PackedFrames, utterances: int) -> Tensor:
    """(utterances, classes) float32, so many utterances at a time."""
    network, frames = _network(module), check_is_frames(view, "e2v_linear")
    parts = torch.split(torch.arange(len(frames)), utterances)
    logits: Tensor = torch.cat([network.post_net(pooled(network, frames, rows)) for rows in parts])
    return logits


def build(config: Config, shape: Shape, seed: int) -> FrameLinearHead:
    """A fresh head.

    Raises:
        ConfigError: a view of several layers, or a setting that is not above zero.
    """
    choices = ("select_by", "standardise")
    check_positive(**{name: value for name, value in vars(config).items() if name not in choices})
    check_single_layer(shape, "e2v_linear")
    with own_chance(seed):
        initial = FrameLinear(shape, config.hidden_dim, standardises=config.standardise)
    plan = Plan(
        head="e2v_linear",
        epochs=config.epochs,
        batch=config.batch,
        optimiser=partial(_rmsprop, config),
        schedule=partial(_cycle, config),
        select_by=config.select_by,
    )
    return FrameLinearHead(initial, shape, plan, seed)


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
