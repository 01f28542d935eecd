"""A two-layer GRU over one layer's frames -> mean over time -> Linear.

Layers, width, dropout, Adam's rate, batch and epochs are those that a third party reads out of Shi, Li and Toda
2023 for their GRUs over utterances; no source gives them for frames. The mean over time (their utterance models
take the last state or attention), plain cross-entropy and the selection by watch accuracy are ours.
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
from downstreams._pooling import frame_counts, segment_mean
from downstreams._seeded import own_chance
from downstreams._select_by import SelectBy
from downstreams._stretches import outputs_of
from harness.contracts import Means, PackedFrames, Shape
from harness.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

NEEDS = "frames"


@dataclass(kw_only=True)
class Config:
    """Settings of the head and of its training."""

    hidden_dim: int = 256
    dropout: float = 0.5
    """Between the two layers."""
    lr: float = 1.0e-4
    """Adam."""
    batch: int = 32
    epochs: int = 50
    select_by: SelectBy = "wa"
    """What the watched part is measured by."""


class FrameGRU(nn.Module):
    """GRU of two layers, one direction -> mean of the outputs over the valid frames -> Linear."""

    def __init__(self, shape: Shape, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.gru = nn.GRU(shape.dim, hidden_dim, num_layers=2, dropout=dropout)
        self.classifier = nn.Linear(hidden_dim, shape.classes)

    def forward(self, view: Means | PackedFrames) -> Tensor:
        """Logits, (utterances, classes)."""
        frames = check_is_frames(view, "gru")
        counts = frame_counts(frames.offsets).tolist()
        sequences = torch.split_with_sizes(frames.values[:, 0].float(), counts)
        outputs = torch.cat(outputs_of(self.gru, sequences))
        logits: Tensor = self.classifier(segment_mean(outputs, frames.offsets))
        return logits


def build(config: Config, shape: Shape, seed: int) -> FrameHead:
    """A fresh head.

    Raises:
        ConfigError: a view of several layers, or a setting out of its range.
    """
    check_positive(hidden_dim=config.hidden_dim, lr=config.lr, batch=config.batch, epochs=config.epochs)
    if not 0 <= config.dropout < 1:
        raise ConfigError("head.dropout is a share", got=config.dropout, wanted="0 to below 1")
    check_single_layer(shape, "gru")
    with own_chance(seed):
        initial = FrameGRU(shape, config.hidden_dim, config.dropout)
    plan = Plan(
        head="gru",
        epochs=config.epochs,
        batch=config.batch,
        optimiser=partial(_adam, config.lr),
        select_by=config.select_by,
    )
    return FrameHead(initial, shape, plan, seed)


def _adam(lr: float, parameters: Iterable[nn.Parameter]) -> Optimizer:
    return torch.optim.Adam(parameters, lr=lr)
