"""Attention with a bias that depends on the distance of key and query, for clips of minutes.

The bias of every pair of frames of MELD's longest clip (305 s, 15,250 frames, 12 heads) is 11 GB. One value per
distance is all that is in it: for a few queries at a time the rows are written out, used and forgotten.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

LONG_PLACES = 2000
"""More of them (40 s) are cut; up to here the whole bias takes 200 MB and serves all blocks."""
QUERIES = 32
"""At a time: 23 MB of bias for the clip above."""


def is_long(states: Tensor) -> bool:
    """Whether (batch, places, dim) is one clip that is to be cut; never while a graph is made of the network."""
    return not torch.compiler.is_compiling() and len(states) == 1 and states.shape[1] > LONG_PLACES


def rows_of(values: Tensor, queries: slice) -> Tensor:
    """The bias of some queries, the last key first: so ordered it is a view of the values, and nothing is copied.

    Args:
        values: (heads, 2 * places - 1), from a key `places - 1` places after its query to one as far before it.
        queries: their places, a start and an end.

    Returns:
        (heads, queries, places).

    >>> rows_of(torch.tensor([[2, 1, 0, -1, -2]]), slice(1, 3))
    tensor([[[ 1,  0, -1],
             [ 0, -1, -2]]])
    """
    return values.unfold(-1, (values.shape[-1] + 1) // 2, 1)[:, queries]


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Callable[[slice], Tensor]) -> Tensor:
    """Scaled dot-product attention, some queries at a time.

    Args:
        query: (1, heads, places, dim per head), as `key` and `value`.
        key: see `query`.
        value: see `query`.
        bias: of some queries, (1, heads, queries, places), added to their logits; the last key first.
    """
    places, key, value = query.shape[2], key.flip(2), value.flip(2)
    mixed = torch.empty_like(
        query
    )  # taken first: small results between large biases would break the memory up
    for first in range(0, places, QUERIES):
        part = slice(first, min(first + QUERIES, places))
        mixed[:, :, part] = F.scaled_dot_product_attention(
            query[:, :, part], key, value, attn_mask=bias(part)
        )
    return mixed
