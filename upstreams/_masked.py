"""Layers that look along time, computed so that an utterance never sees the padding of its batch.

In transformers and s3prl the features of a short clip change with the length of its neighbours: the group norm of
the base models averages over the padding, and stacked positional convolutions (data2vec) read what the layer
before them wrote into it. Each function here gives, on the valid positions, what the plain layer gives for the
utterance alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from upstreams._lengths import valid


def normalise(waves: Tensor, lengths: Tensor) -> Tensor:
    """Zero mean and unit variance of every utterance over its own samples; the padding stays zero.

    Args:
        waves: (batch, samples), zeros beyond the lengths.
        lengths: (batch,).

    Source: transformers 5.23, Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm: (x - mean) / sqrt(var + 1e-7)
    with the population variance. The sums are taken in double precision, so that the length of the row, which
    decides their order, cannot be seen.
    """
    counts = lengths[:, None]
    mean = waves.sum(1, keepdim=True, dtype=torch.float64) / counts
    centred = (waves - mean).masked_fill(~valid(lengths, waves.shape[1]), 0.0)
    variance = centred.square().sum(1, keepdim=True) / counts
    return (centred / (variance + 1e-7).sqrt()).to(waves.dtype)


def group_norm(hidden: Tensor, frames: Tensor, norm: Any) -> Tensor:  # noqa: ANN401
    """A group norm whose statistics are those of each utterance's own frames.

    Row by row on the unpadded slice: the very kernel that runs for the utterance alone, in the same order, and
    no mask or squared copy of the largest tensor of the network.

    Args:
        hidden: (batch, channels, time).
        frames: (batch,) valid frames.
        norm: the `torch.nn.GroupNorm`.
    """
    total, counts = hidden.shape[-1], frames.tolist()
    if min(counts) == total:
        normed: Tensor = norm(hidden)
        return normed
    rows = [F.pad(norm(row[None, :, :n]), (0, total - n)) for row, n in zip(hidden, counts, strict=True)]
    return torch.cat(rows)


def stacked_positions(layers: Any, hidden: Tensor, mask: Tensor) -> Tensor:  # noqa: ANN401
    """data2vec's stack of positional convolutions, silenced beyond each utterance after every one of them.

    Args:
        layers: modules that map (batch, dim, time) to the same shape.
        hidden: (batch, time, dim), zeros beyond the utterances.
        mask: (batch, time) bool.
    """
    positions, outside = hidden.transpose(1, 2), ~mask[:, None, :]
    for layer in layers:
        positions = layer(positions).masked_fill(outside, 0.0)
    return positions.transpose(1, 2)


def key_mask(frames: Tensor, total: int) -> Tensor | None:
    """(batch, 1, 1, total) bool for attention: True where a key may be read; None where all may."""
    if int(frames.min()) == total:
        return None
    return valid(frames, total)[:, None, None, :]
