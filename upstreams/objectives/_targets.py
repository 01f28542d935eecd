"""What a data2vec teacher sets as target: the average of its upper layers, normalised in one of several ways.

Source: facebookresearch/fairseq at 3d262bb, `examples/data2vec/models/data2vec2.py:make_targets`. With instance
norm (the released recipe) the mean of the targets over time is zero by construction, so that an utterance target
taken from them says nothing; `raw_mean` is the mean that the paper's equation 5 describes (arXiv 2312.15185).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

NORM_EPS = 1e-5


@dataclass(frozen=True, kw_only=True)
class TargetRule:
    """Which layers, and which norms in which place; the defaults are the released run's."""

    top_k: int = 8
    """How many of the last main blocks are averaged."""
    end_of_block: bool = False
    """Outputs of the blocks instead of their feed-forward outputs before the residual."""
    batch_norm_layer: bool = False
    instance_norm_layer: bool = True
    layer_norm_layer: bool = False
    layer_norm: bool = False
    """Of the average."""
    instance_norm: bool = False
    """Of the average."""


def frame_targets(layers: Sequence[Tensor], rule: TargetRule) -> Tensor:
    """The target of every frame.

    Args:
        layers: outputs of the teacher's main blocks, (batch, frames, dim) each, tokens removed.
        rule: how they become one.

    Returns:
        (batch, frames, dim) float32.
    """
    average = torch.stack([_layer(layer.float(), rule) for layer in layers[-rule.top_k :]]).mean(0)
    if rule.layer_norm:
        average = _over_channels(average)
    return _over_time(average) if rule.instance_norm else average


def averages_to_zero(rule: TargetRule) -> bool:
    """Whether the mean of the targets over time is zero, whatever the teacher says."""
    per_layer = rule.instance_norm_layer and not rule.batch_norm_layer and not rule.layer_norm_layer
    return rule.instance_norm or (per_layer and not rule.layer_norm)


def raw_mean(layers: Sequence[Tensor], rule: TargetRule) -> Tensor:
    """The utterance target that keeps what instance norm removes: (batch, dim) float32.

    The mean over frames of the average of the layers as they are, normalised over its channels so that its size
    does not depend on the layers.
    """
    average = torch.stack([layer.float() for layer in layers[-rule.top_k :]]).mean(0)
    return _over_channels(average.mean(1))


def _layer(x: Tensor, rule: TargetRule) -> Tensor:
    if rule.batch_norm_layer:
        x = F.batch_norm(x.transpose(1, 2), None, None, training=True, eps=NORM_EPS).transpose(1, 2)
    elif rule.instance_norm_layer:
        x = _over_time(x)
    return _over_channels(x) if rule.layer_norm_layer else x


def _over_time(x: Tensor) -> Tensor:
    """Every channel of every utterance to zero mean and unit variance over its frames."""
    return F.instance_norm(x.transpose(1, 2), eps=NORM_EPS).transpose(1, 2)


def _over_channels(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=NORM_EPS)
