"""Waveform encoders over clips of minutes, piece by piece: the same frames, a fraction of the memory.

The first convolution turns a second of audio into 6.5 MB, and a norm and a GELU each write as much again: MELD's
longest clip, 305 s, would take 6 GB before the first block. The convolutions have no padding, so a frame needs the
samples of its receptive field and nothing else; only the group norm of the base models looks along the whole clip,
and of that a mean and a variance per channel are enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upstreams._lengths import receptive_field

LONG_SAMPLES = 40 * 16_000
"""Longer clips are cut; shorter ones need less memory than the blocks that follow."""
PIECE_FRAMES = 500
"""Of the encoder's output: 10 s, of which the first convolution makes 65 MB."""


class Steps(NamedTuple):
    """Kernels and strides of convolutions without padding, one after the other."""

    kernels: Sequence[int]
    strides: Sequence[int]


def is_long(waves: Tensor) -> bool:
    """Whether (batch, samples) is one clip that is to be cut; never while a graph is made of the network."""
    return not torch.compiler.is_compiling() and len(waves) == 1 and waves.shape[1] > LONG_SAMPLES


def encoded(layers: Sequence[Callable[[Tensor], Tensor]], wave: Tensor, steps: Steps) -> Tensor:
    """What a waveform encoder makes of a clip.

    Args:
        layers: each a convolution without padding, then what looks at no other frame.
        wave: (1, 1, samples).
        steps: of the convolutions.

    Returns:
        (1, channels, frames); several products of other sizes than in one go, so equal to rounding.
    """
    pieces = _pieces(wave, steps, PIECE_FRAMES)
    return torch.cat([reduce(_through, layers, piece) for piece in pieces], -1)


def _through(piece: Tensor, layer: Callable[[Tensor], Tensor]) -> Tensor:
    return layer(piece)


def group_normed(layer: Any, wave: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ANN401
    """The first layer of a base model for pieces of a clip, its norm that of the whole clip.

    Args:
        layer: with `conv`, `layer_norm`, a group norm of a group per channel, and `activation`.
        wave: (1, 1, samples) of the whole clip.
    """
    norm: nn.GroupNorm = layer.layer_norm
    mean, variance = _moments(layer.conv, wave)

    def apply(piece: Tensor) -> Tensor:
        hidden = F.batch_norm(layer.conv(piece), mean, variance, norm.weight, norm.bias, eps=norm.eps)
        activated: Tensor = layer.activation(hidden)
        return activated

    return apply


def _moments(conv: nn.Conv1d, wave: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel over the clip, (channels,)."""
    steps, count = Steps(list(map(int, conv.kernel_size)), list(map(int, conv.stride))), 0
    total, squares = (torch.zeros(conv.out_channels, dtype=torch.float64, device=wave.device) for _ in "ab")
    for piece in _pieces(
        wave, steps, 64 * PIECE_FRAMES
    ):  # this layer's frames, of which 64 make one of the last
        hidden = conv(piece)[0]
        count += hidden.shape[-1]
        total += hidden.sum(-1, dtype=torch.float64)
        squares += hidden.square().sum(-1, dtype=torch.float64)
    mean = total / count
    return mean.to(wave.dtype), (squares / count - mean.square()).to(wave.dtype)


def _pieces(wave: Tensor, steps: Steps, at_once: int) -> Iterator[Tensor]:
    """The samples behind so many frames at a time, without a copy."""
    hop, field = math.prod(steps.strides), receptive_field(steps.kernels, steps.strides)
    frames = (wave.shape[-1] - field) // hop + 1
    for first in range(0, frames, at_once):
        last = min(first + at_once, frames)
        yield wave[..., first * hop : (last - 1) * hop + field]
