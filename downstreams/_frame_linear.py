"""The network of emotion2vec's released head, written plainly: the reference for what is written out beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from downstreams._checks import check_is_frames
from downstreams._pooling import pieces, segment_mean
from harness.contracts import Means, PackedFrames, Shape

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 256
"""Utterances whose frames are read at a time for the statistics."""


class FrameLinear(nn.Module):
    """Linear -> ReLU -> mean over frames -> Linear; the parameters carry the released names."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: Shape, hidden_dim: int, *, standardises: bool = False) -> None:
        super().__init__()
        self.standardises = standardises
        self.register_buffer("mean", torch.zeros(shape.dim), persistent=False)
        self.register_buffer("deviation", torch.ones(shape.dim), persistent=False)
        self.pre_net = nn.Linear(shape.dim, hidden_dim)
        self.post_net = nn.Linear(hidden_dim, shape.classes)

    def forward(self, view: Means | PackedFrames) -> Tensor:
        """Logits, (utterances, classes)."""
        logits: Tensor = self.post_net(self.hidden(view))
        return logits

    def hidden(self, view: Means | PackedFrames) -> Tensor:
        """What the last layer reads, (utterances, hidden_dim): first layer and ReLU, mean over the frames."""
        frames = check_is_frames(view, "e2v_linear")
        values = frames.values[:, 0].float()
        scaled = (values - self.mean) / self.deviation if self.standardises else values
        return segment_mean(torch.relu(self.pre_net(scaled)), frames.offsets)

    def take_scale(self, view: Means | PackedFrames) -> None:
        """Mean and deviation of every channel over these frames; a channel that never moves is only centred.

        In double precision, a few hundred utterances at a time, so that no part is copied as a whole; the moments
        of two groups add up as in Chan, Golub and LeVeque 1979, equation 2.1.
        """
        count, mean, squares = 0, *torch.zeros(2, self.mean.shape[0], dtype=torch.float64)
        for part in pieces(view, _AT_ONCE):
            values = part.values[:, 0].double()
            variance, centre = torch.var_mean(values, 0, correction=0)
            more, away = len(values), centre - mean
            share = more / (count + more)
            mean += share * away
            squares += more * variance + count * share * away.square()
            count += more
        deviation = (squares / count).sqrt()
        self.mean = mean.float()
        self.deviation = torch.where(deviation > 0, deviation, 1.0).float()
