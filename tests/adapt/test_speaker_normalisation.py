"""Features standardised by speaker: equal to pandas' groupby, for means and for packed frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.adapt import FEWEST, speaker_groups, zscored
from harness.contracts import Means, PackedFrames

SPEAKERS = ["a"] * 7 + ["b"] * 6 + ["c"] * (FEWEST - 1) + [""] * 3 + ["d"] * FEWEST
CORPORA = ["x"] * 17 + ["y"] * 8
TOLERANCE = 2e-6
"""Relative to values around one: results are float32, the sums behind them are float64 on both sides."""


def by_pandas(values: NDArray[np.float32], repeats: NDArray[np.int64]) -> NDArray[np.float64]:
    """(rows, dim) standardised with `groupby(...).transform`, by speaker or, without enough, by corpus."""
    frame = pd.DataFrame(values.astype(np.float64))
    speakers, corpora = np.repeat(SPEAKERS, repeats), np.repeat(CORPORA, repeats)
    own, all_of_it = _standardised(frame, speakers), _standardised(frame, corpora)
    by_themselves = np.isin(speakers, ["a", "b", "d"])
    return np.where(by_themselves[:, None], own, all_of_it)


def _standardised(frame: pd.DataFrame, names: NDArray[np.str_]) -> NDArray[np.float64]:
    groups = frame.groupby(names)
    return ((frame - groups.transform("mean")) / groups.transform("std", ddof=0)).to_numpy()


def test_everyone_with_enough_utterances_for_themselves_the_others_with_their_corpus() -> None:
    groups = speaker_groups(SPEAKERS, CORPORA)
    expected = ["a"] * 7 + ["b"] * 6 + ["corpus x"] * 4 + ["corpus y"] * 3 + ["d"] * 5
    assert [name.removeprefix("speaker ") for name in groups.of] == expected
    assert (groups.unnamed, groups.rare) == (3, FEWEST - 1)
    simple = pd.DataFrame({"value": np.arange(25.0), "speaker": SPEAKERS})
    for name in "abd":
        rows = (simple["speaker"] == name).to_numpy().nonzero()[0].tolist()
        assert groups.members()[f"speaker {name}"] == rows


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16), scale=st.sampled_from([1e-3, 1.0, 1e4]))
def test_means_equal_pandas(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    values = (scale * (rng.normal(size=(25, 3, 4)) + rng.normal(size=(1, 3, 4)))).astype(np.float32)
    found = zscored(Means(torch.from_numpy(values)), speaker_groups(SPEAKERS, CORPORA)).values.numpy()
    for layer in range(3):
        expected = by_pandas(values[:, layer], np.ones(25, np.int64))
        np.testing.assert_allclose(found[:, layer], expected, atol=TOLERANCE, rtol=TOLERANCE)


def test_packed_frames_equal_pandas_over_all_frames_of_a_speaker() -> None:
    rng = np.random.default_rng(5)
    counts = rng.integers(1, 9, size=25)
    values = rng.normal(size=(int(counts.sum()), 2, 5)).astype(np.float32) * 3 + 7
    offsets = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
    view = PackedFrames(torch.from_numpy(values), offsets)
    found = zscored(view, speaker_groups(SPEAKERS, CORPORA))
    assert isinstance(found, PackedFrames)
    assert torch.equal(found.offsets, offsets)
    for layer in range(2):
        expected = by_pandas(values[:, layer], counts)
        np.testing.assert_allclose(found.values[:, layer].numpy(), expected, atol=TOLERANCE, rtol=TOLERANCE)


def test_what_does_not_move_becomes_zero_and_not_noise() -> None:
    values = torch.full((6, 1, 2), 1234.567)
    values[:, 0, 1] = torch.arange(6.0)
    found = zscored(Means(values), speaker_groups(["a"] * 6, ["x"] * 6)).values
    assert found[:, 0, 0].abs().max() < 1e-3  # centred, not divided by the rounding of its own mean
    assert abs(float(found[:, 0, 1].std(correction=0)) - 1) < 1e-6


def test_the_given_view_is_left_as_it_is() -> None:
    values = torch.randn(6, 1, 2)
    before = values.clone()
    zscored(Means(values), speaker_groups(["a"] * 6, ["x"] * 6))
    assert torch.equal(values, before)
