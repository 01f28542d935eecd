"""Views of several corpora as one: every utterance at its place, however the corpora are mixed."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.contracts import Means, PackedFrames
from harness.views import reordered


def frames(lengths: list[int], first: int) -> PackedFrames:
    """Utterance number n has as many frames as it is said to, each with the value n."""
    numbers = torch.arange(first, first + len(lengths)).repeat_interleave(torch.tensor(lengths))
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), torch.tensor(lengths).cumsum(0)])
    return PackedFrames(numbers.float().reshape(-1, 1, 1), offsets)


@given(order=st.permutations(range(7)), cut=st.integers(1, 6))
def test_means_stand_where_they_are_wanted(order: list[int], cut: int) -> None:
    values = torch.arange(7.0).reshape(7, 1, 1)
    found = reordered([Means(values[:cut]), Means(values[cut:])], order)
    assert [int(found.values[place]) for place in order] == list(range(7))


@given(order=st.permutations(range(5)), lengths=st.lists(st.integers(1, 4), min_size=5, max_size=5))
def test_frames_stay_with_their_utterance(order: list[int], lengths: list[int]) -> None:
    found = reordered([frames(lengths[:2], 0), frames(lengths[2:], 2)], order)
    assert isinstance(found, PackedFrames)
    for number, place in enumerate(order):
        own = found.values[found.offsets[place] : found.offsets[place + 1]]
        assert own.flatten().tolist() == [number] * lengths[number]
