"""Moments taken block by block are those of all rows together."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from downstreams._moments import moments


@given(
    counts=st.lists(st.integers(1, 7), min_size=1, max_size=6),
    offset=st.sampled_from([0.0, 1.0, 1e4]),
    seed=st.integers(0, 99),
)
def test_blocks_add_up(counts: list[int], offset: float, seed: int) -> None:
    """Double precision on both sides; a mean of 10,000 deviations costs eight digits of the squares' sixteen."""
    rows = torch.randn(sum(counts), 2, 3, generator=torch.Generator().manual_seed(seed)) + offset
    rows[:, 1, 2] = 0.1
    seen = moments(rows.split(counts))
    variance, mean = torch.var_mean(rows.double(), 0, correction=0)
    torch.testing.assert_close(seen.mean, mean, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(seen.deviation, variance.sqrt(), rtol=1e-7, atol=1e-12)
    assert seen.deviation[1, 2] == 0
    assert torch.equal(seen.varies, rows.amax(0) > rows.amin(0))
