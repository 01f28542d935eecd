"""A small network over standardised time means, with the weighted sum of layers that SUPERB uses in front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from downstreams._checks import check_positive
from downstreams._moments import AT_ONCE, moments
from downstreams._pooling import means_of, pieces
from harness.contracts import Kind, Labelled, Means, PackedFrames, Shape
from harness.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_SHARE = 1e-4
"""A class without votes starts as if it had this share."""


class MeansMlp(nn.Module):
    """Time means -> standardised by the training part -> weighted sum of layers -> linear layers.

    Standardising is what makes one rate fit features of any size: eGeMAPS mixes shares with hertz. A column that
    is constant in training becomes zero.

    Args:
        shape: of the views.
        hidden_dims: widths of the hidden layers; none makes it linear.
        dropout: of every hidden layer.
        kind: what the outputs are. For `scales` standard scores are turned into the values' own units;
            for `shares` it starts at the mean shares, instead of at equal ones.
    """

    centre: Tensor
    factor: Tensor
    offset: Tensor
    unit: Tensor

    def __init__(self, shape: Shape, hidden_dims: Sequence[int], dropout: float, kind: Kind) -> None:
        super().__init__()
        self._kind = kind
        self.layer_weights = nn.Parameter(torch.zeros(shape.layers), requires_grad=shape.layers > 1)
        self.net = nn.Sequential(*_layers([shape.dim, *hidden_dims, shape.classes], dropout))
        self.register_buffer("centre", torch.zeros(shape.layers, shape.dim))
        self.register_buffer("factor", torch.ones(shape.layers, shape.dim))
        self.register_buffer("offset", torch.zeros(shape.classes))
        self.register_buffer("unit", torch.ones(shape.classes))

    def standardise(self, train: Labelled) -> None:
        """Take means and deviations of the training part."""
        seen = moments(means_of(part) for part in pieces(train.view, AT_ONCE))
        deviation = seen.deviation.clamp_min(torch.finfo(torch.float32).tiny)
        self.centre.copy_(seen.mean)
        self.factor.copy_(torch.where(seen.varies, 1 / deviation, 0.0))
        if train.values is not None:
            self._take_outputs(train.values.double())

    def _take_outputs(self, values: Tensor) -> None:
        if self._kind == "shares":
            self.offset.copy_(torch.log(values.mean(0).clamp_min(SMALLEST_SHARE)))
        else:
            self.offset.copy_(values.mean(0))
            self.unit.copy_(values.std(0, correction=0))

    def forward(self, view: Means | PackedFrames) -> Tensor:
        """(utterances, outputs)."""
        standard = (means_of(view) - self.centre) * self.factor  # (utterances, layers, dim)
        weighted = torch.einsum("l,uld->ud", torch.softmax(self.layer_weights, 0), standard)
        outputs: Tensor = self.offset + self.unit * self.net(weighted)
        return outputs


def _layers(sizes: Sequence[int], dropout: float) -> Iterator[nn.Module]:
    for number, (before, after) in enumerate(pairwise(sizes), start=1):
        yield nn.Linear(before, after)
        if number < len(sizes) - 1:
            yield nn.ReLU()
            yield nn.Dropout(dropout)


def check_mlp(hidden_dims: Sequence[int], dropout: float, **positive: float) -> None:
    """Check the settings of a network and of its training.

    Raises:
        ConfigError: the first one that is out of its range.
    """
    check_positive(**positive)
    if any(width < 1 for width in hidden_dims):
        raise ConfigError(
            "head.hidden_dims are widths", got=list(hidden_dims), wanted="1 or more each, or none"
        )
    if not 0 <= dropout < 1:
        raise ConfigError("head.dropout is a share", got=dropout, wanted="0 to below 1")
