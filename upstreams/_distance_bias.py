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
QUERIES = 256
"""At a time: 190 MB of bias for the clip above."""


def is_long(states: Tensor) -> bool:
    """Whether (batch, places, dim) is one clip that is to be cut; never while a graph is made of the network."""
    return not torch.compiler.is_compiling() and len(states) == 1 and states.shape[1] > LONG_PLACES


def rows_of(values: Tensor, queries: slice) -> Tensor:
    """The bias of some queries.

    Args:
        values: (heads, 2 * places - 1); at `places - 1 + d` stands that of a key `d` places after the query.
        queries: their places, a start and an end.

    Returns:
        (heads, queries, places).

    >>> rows_of(torch.tensor([[-2, -1, 0, 1, 2]]), slice(1, 3))
    tensor([[[-1,  0,  1],
             [-2, -1,  0]]])
    """
    places = (values.shape[-1] + 1) // 2
    return values.unfold(-1, places, 1)[:, places - queries.stop : places - queries.start].flip(1)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Callable[[slice], Tensor]) -> Tensor:
    """Scaled dot-product attention, some queries at a time.

    Args:
        query: (1, heads, places, dim per head), as `key` and `value`.
        key: see `query`.
        value: see `query`.
        bias: of some queries, (1, heads, queries, places), added to their logits.
    """
    places = query.shape[2]
    parts = [slice(first, min(first + QUERIES, places)) for first in range(0, places, QUERIES)]
    mixed = [
        F.scaled_dot_product_attention(query[:, :, part], key, value, attn_mask=bias(part)) for part in parts
    ]
    return torch.cat(mixed, 2)
