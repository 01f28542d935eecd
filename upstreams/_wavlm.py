"""One transformer block of WavLM with fused attention.

transformers computes WavLM's attention with `multi_head_attention_forward`, materialises every probability and
averages them over the heads. The gated bias is an additive mask, so that the fused kernel gives the same numbers.

Source: Chen et al. 2022, WavLM, section III-B (gated relative position bias); names as in transformers 5.23.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def block(layer: Any, hidden: Tensor, distances: Tensor, keys: Tensor | None, norm_first: bool) -> Tensor:  # noqa: ANN401
    """A block's output.

    Args:
        layer: `WavLMEncoderLayer` or `WavLMEncoderLayerStableLayerNorm`.
        hidden: (batch, time, dim).
        distances: (heads, time, time), the first block's `compute_bias`.
        keys: (batch, 1, 1, time) bool, True where a key may be read; None where all may.
        norm_first: the order of the large model.
    """
    if norm_first:
        hidden = hidden + _attend(layer.attention, layer.layer_norm(hidden), distances, keys)
        return hidden + _tensor(layer.feed_forward(layer.final_layer_norm(hidden)))
    hidden = layer.layer_norm(hidden + _attend(layer.attention, hidden, distances, keys))
    return _tensor(layer.final_layer_norm(hidden + layer.feed_forward(hidden)))


def _attend(attention: Any, hidden: Tensor, distances: Tensor, keys: Tensor | None) -> Tensor:  # noqa: ANN401
    bias = _gate(attention, _heads(attention, hidden)) * distances  # (batch, heads, time, time)
    if keys is not None:
        bias = bias.masked_fill(~keys, float("-inf"))
    query, key, value = (
        _heads(attention, project(hidden))
        for project in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    return _tensor(attention.out_proj(mixed.transpose(1, 2).flatten(2)))


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
