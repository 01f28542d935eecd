"""Sums and means over packed frames equal a loop over utterances."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from downstreams._pooling import frame_counts, means_of, pieces, segment_mean, segment_sum
from harness.contracts import Means, PackedFrames


def packed(counts: list[int], layers: int = 2, dim: int = 3, seed: int = 0) -> PackedFrames:
    values = torch.randn(sum(counts), layers, dim, generator=torch.Generator().manual_seed(seed))
    return PackedFrames(values, torch.tensor([0, *torch.tensor(counts).cumsum(0).tolist()]))


@settings(max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(0, 99))
def test_means_equal_a_loop(counts: list[int], seed: int) -> None:
    view = packed(counts, seed=seed)
    loop = torch.stack([part.mean(0) for part in view.values.split(counts)])
    # float32 sums of up to nine numbers: a few units in the last place
    torch.testing.assert_close(segment_mean(view.values, view.offsets), loop, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(means_of(view), loop, rtol=1e-5, atol=1e-6)
    assert frame_counts(view.offsets).tolist() == counts


def test_an_utterance_without_frames_sums_to_zero() -> None:
    sums = segment_sum(torch.ones(3, 2), torch.tensor([0, 2, 2, 3]))
    assert sums.tolist() == [[2, 2], [0, 0], [1, 1]]


def test_gradient_of_the_mean_is_one_over_the_frames() -> None:
    values = torch.zeros(5, 2, dtype=torch.float64, requires_grad=True)
    segment_mean(values, torch.tensor([0, 4, 5])).sum().backward()
    assert values.grad is not None
    assert values.grad[:, 0].tolist() == [0.25] * 4 + [1.0]


@settings(max_examples=20)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=9), st.integers(1, 10))
def test_pieces_hold_every_utterance_once_and_copy_nothing(counts: list[int], at_once: int) -> None:
    view = packed(counts)
    parts = [part for part in pieces(view, at_once) if isinstance(part, PackedFrames)]
    assert [n for part in parts for n in frame_counts(part.offsets).tolist()] == counts
    assert torch.equal(torch.cat([part.values for part in parts]), view.values)
    assert all(
        part.values.untyped_storage().data_ptr() == view.values.untyped_storage().data_ptr() for part in parts
    )


def test_means_pass_through_untouched() -> None:
    values = torch.randn(4, 2, 3)
    assert means_of(Means(values)) is values
