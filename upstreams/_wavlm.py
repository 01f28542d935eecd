"""One transformer block of WavLM with fused attention.

transformers computes WavLM's attention with `multi_head_attention_forward`, materialises every probability and
averages them over the heads. The gated bias is an additive mask, so that the fused kernel gives the same numbers.

Source: Chen et al. 2022, WavLM, section III-B (gated relative position bias); names as in transformers 5.23.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from upstreams import _distance_bias


class Distances(NamedTuple):
    """The position bias before its gate."""

    values: Tensor
    """(heads, time, time), or (heads, 2 * time - 1), one per distance."""
    in_pieces: bool
    """Whether there is one per distance, for a clip that is too long for one per pair."""


def distances(attention: Any, total: int, *, in_pieces: bool) -> Distances:  # noqa: ANN401
    """The bias of so many frames.

    Args:
        attention: `WavLMAttention` of the first block.
        total: frames.
        in_pieces: one value per distance, from the key furthest behind a query to the one furthest before it.
    """
    if not in_pieces:
        return Distances(attention.compute_bias(total, total), in_pieces)
    before, behind = attention.compute_bias(total, 1)[..., 0], attention.compute_bias(1, total)[:, 0]
    return Distances(torch.cat([behind.flip(-1), before[:, 1:]], -1), in_pieces)


def block(layer: Any, hidden: Tensor, distances: Distances, keys: Tensor | None, norm_first: bool) -> Tensor:  # noqa: ANN401
    """A block's output.

    Args:
        layer: `WavLMEncoderLayer` or `WavLMEncoderLayerStableLayerNorm`.
        hidden: (batch, time, dim).
        distances: of the first block.
        keys: (batch, 1, 1, time) bool, True where a key may be read; None where all may.
        norm_first: the order of the large model.
    """
    if norm_first:
        hidden = hidden + _attend(layer.attention, layer.layer_norm(hidden), distances, keys)
        return hidden + _tensor(layer.feed_forward(layer.final_layer_norm(hidden)))
    hidden = layer.layer_norm(hidden + _attend(layer.attention, hidden, distances, keys))
    return _tensor(layer.final_layer_norm(hidden + layer.feed_forward(hidden)))


def _attend(attention: Any, hidden: Tensor, distances: Distances, keys: Tensor | None) -> Tensor:  # noqa: ANN401
    gate = _gate(attention, _heads(attention, hidden))
    query, key, value = (
        _heads(attention, project(hidden))
        for project in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    if distances.in_pieces:
        mixed = _distance_bias.attend(query, key, value, partial(_gated_rows, gate, distances.values))
    else:
        bias = gate * distances.values  # (batch, heads, time, time)
        if keys is not None:
            bias = bias.masked_fill(~keys, float("-inf"))
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    return _tensor(attention.out_proj(mixed.transpose(1, 2).flatten(2)))


def _gated_rows(gate: Tensor, values: Tensor, queries: slice) -> Tensor:
    return gate[:, :, queries] * _distance_bias.rows_of(values, queries)


def _gate(attention: Any, heads: Tensor) -> Tensor:  # noqa: ANN401
    """(batch, heads, time, 1): how much of the position bias each query lets in."""
    projected = attention.gru_rel_pos_linear(heads).view(*heads.shape[:3], 2, 4).sum(-1)
    update, reset = torch.sigmoid(projected).chunk(2, dim=-1)
    return _tensor(update * (reset * attention.gru_rel_pos_const - 1.0) + 2.0)


def _heads(attention: Any, hidden: Tensor) -> Tensor:  # noqa: ANN401
    """(batch, time, dim) -> (batch, heads, time, dim per head)."""
    return hidden.view(*hidden.shape[:2], attention.num_heads, -1).transpose(1, 2)


def _tensor(value: Tensor) -> Tensor:
    return value
