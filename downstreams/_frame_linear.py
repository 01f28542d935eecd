"""The network of emotion2vec's released head, written plainly: the reference for what is written out beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from downstreams._checks import check_is_frames
from downstreams._moments import AT_ONCE, moments
from downstreams._pooling import pieces, segment_mean
from harness.contracts import Means, PackedFrames, Shape

if TYPE_CHECKING:
    from torch import Tensor


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
        """Mean and deviation of every channel over these frames; a channel that never moves is only centred."""
        seen = moments(part.values[:, 0] for part in pieces(view, AT_ONCE))
        self.mean = seen.mean.float()
        self.deviation = torch.where(seen.varies, seen.deviation, 1.0).float()
