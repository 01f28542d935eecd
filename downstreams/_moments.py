"""Mean and deviation of the columns of a part, block by block, so that no part is copied as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 256
"""Utterances whose frames are read at a time."""


class Moments(NamedTuple):
    """Of every column, in double precision."""

    mean: Tensor
    deviation: Tensor
    """Divided by the number of rows."""
    varies: Tensor
    """bool: whether there are two values."""


def moments(blocks: Iterable[Tensor]) -> Moments:
    """The moments of all rows together, taken block by block.

    Two groups of rows add up as in Chan, Golub and LeVeque 1979, "Updating formulae", equation 2.1.

    Args:
        blocks: (rows, ...) each, at least one row in all.

    >>> moments([torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0]])]).mean
    tensor([3.], dtype=torch.float64)
    """
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    low, high = torch.tensor(torch.inf), torch.tensor(-torch.inf)
    for block in blocks:
        values = block.double()
        variance, centre = torch.var_mean(values, 0, correction=0)
        away, share = centre - mean, len(values) / (count + len(values))
        squares = squares + len(values) * variance + count * share * away.square()
        mean = mean + share * away
        count += len(values)
        low, high = torch.minimum(low, values.amin(0)), torch.maximum(high, values.amax(0))
    return Moments(mean, (squares / count).sqrt(), high > low)
