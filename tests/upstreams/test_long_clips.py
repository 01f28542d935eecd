"""Clips that are cut, because whole they would not fit into memory, give what they give whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from harness.check import made_up_voices
from harness.config import card_named
from harness.contracts import Upstream
from harness.engines import as_graph
from harness.models import random_upstream
from upstreams import _distance_bias, _long

CARDS = (
    "wav2vec2_base",  # a group norm along the clip
    "hubert_large",  # layer norms, blocks that normalise first
    "wavlm_base_plus",  # a position bias with a gate, beside a group norm
    "wavlm_large",
    "data2vec_base",  # stacked positional convolutions
    "emotion2vec_base",  # a bias by distance, and tokens
)
SAME = 1e-5
"""Relative; the same sums in other orders, a mean and a variance in double precision (1e-6 was seen)."""


def _wave() -> Tensor:
    """4.1 s; its last samples make no frame."""
    voices = made_up_voices(card_named("wav2vec2_base"))
    return torch.cat([*voices] * 8)[: 65_600 + 123]


def _cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes at which a clip of seconds is cut at several places, none of them in step with another."""
    monkeypatch.setattr(_long, "LONG_SAMPLES", 16_000)
    monkeypatch.setattr(_long, "PIECE_FRAMES", 17)
    monkeypatch.setattr(_distance_bias, "LONG_PLACES", 50)
    monkeypatch.setattr(_distance_bias, "QUERIES", 23)


def _states(upstream: Upstream, wave: Tensor) -> tuple[Tensor, ...]:
    return upstream.extract(wave[None], torch.tensor([len(wave)])).states


def _difference(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> float:
    return max(float((a - b).norm() / b.norm()) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("name", CARDS)
def test_cut_equals_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream, wave = random_upstream(card_named(name)), _wave()
    whole = _states(upstream, wave)
    _cut_short(monkeypatch)
    seen: list[int] = []
    monkeypatch.setattr(_long, "_pieces", _counted(seen))
    cut = _states(upstream, wave)
    assert seen, "the front end worked in pieces"
    assert max(seen) < len(wave)
    assert [state.shape for state in cut] == [state.shape for state in whole]
    assert _difference(cut, whole) <= SAME


def _counted(seen: list[int]) -> Callable[..., Iterator[Tensor]]:
    """`_pieces`, whose samples are counted."""
    pieces = _long._pieces

    def counted(wave: Tensor, steps: _long.Steps, at_once: int) -> Iterator[Tensor]:
        for piece in pieces(wave, steps, at_once):
            seen.append(piece.shape[-1])
            yield piece

    return counted


@pytest.mark.parametrize("name", ["wavlm_base_plus", "emotion2vec_base"])
def test_no_more_than_a_few_rows_of_a_bias_are_there_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut_short(monkeypatch)
    upstream, wave, rows = random_upstream(card_named(name)), _wave(), list[int]()
    attend = torch.nn.functional.scaled_dot_product_attention

    def watched(query: Tensor, key: Tensor, value: Tensor, *, attn_mask: Tensor, **settings: float) -> Tensor:
        rows.append(attn_mask.shape[-2])
        return attend(query, key, value, attn_mask=attn_mask, **settings)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    _states(upstream, wave)
    assert len(rows) > 2
    assert max(rows) == 23


@pytest.mark.parametrize("name", ["wav2vec2_base", "emotion2vec_base"])
def test_a_graph_is_made_of_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A border inside it would hold for the length that it was made with alone."""
    upstream, wave = random_upstream(card_named(name)), _wave()
    whole = _states(upstream, wave)
    _cut_short(monkeypatch)
    assert _difference(_states(as_graph(upstream, "cpu"), wave), whole) <= SAME


def test_a_batch_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moments of a group norm are those of one clip."""
    upstream, wave = random_upstream(card_named("wav2vec2_base")), _wave()
    both = torch.stack([wave, wave.flip(0)])
    lengths = torch.tensor([len(wave)] * 2)
    whole = upstream.extract(both, lengths).states
    _cut_short(monkeypatch)
    assert _difference(upstream.extract(both, lengths).states, whole) == 0.0
