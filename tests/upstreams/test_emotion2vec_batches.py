"""What emotion2vec promises about batches, silence, shortness and seeds, on small random networks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from harness.config import build, card_named
from harness.contracts import Upstream
from harness.errors import AudioError
from upstreams import emotion2vec
from upstreams._emotion2vec_net import Emotion2vecNet, Sizes, alibi_slopes

CARDS = ["emotion2vec_base", "emotion2vec_plus_seed", "emotion2vec_plus_base", "emotion2vec_plus_large"]
CARDS += ["data2vec2_base"]
INVARIANCE = 1e-4
"""Promised by every upstream, relative to the largest value of the state; measured below 5e-6."""


def small(name: str = "emotion2vec_plus_base", seed: int = 1, **options: bool) -> emotion2vec.Emotion2vec:
    card = card_named(name)
    config = build(emotion2vec.Config, {**card.options, **options}, where=name)
    return emotion2vec.random_small(card, config, seed)


def noise(samples: int, seed: int) -> Tensor:
    return torch.randn(samples, generator=torch.Generator().manual_seed(seed)) * 0.1 + 0.02


def relative(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max() / theirs.abs().max())


def worst_error(upstream: emotion2vec.Emotion2vec, lengths: list[int], spare: int) -> float:
    """Largest error of any state of any utterance in the batch, whose padding holds garbage."""
    clips = [noise(length, seed) for seed, length in enumerate(lengths)]
    batch = torch.full((len(clips), max(lengths) + spare), 7.0)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    states, frames = upstream.extract(batch, torch.tensor(lengths))
    worst = 0.0
    for place, clip in enumerate(clips):
        single, count = upstream.extract(clip[None], torch.tensor([len(clip)]))
        assert int(frames[place]) == int(count) == single[0].shape[1] == (len(clip) - 400) // 320 + 1
        for ours, theirs in zip(states, single, strict=True):
            worst = max(worst, relative(ours[place, : int(count)], theirs[0]))
    return worst


@settings(max_examples=25)
@given(
    lengths=st.lists(st.integers(400, 24_000), min_size=1, max_size=5),
    spare=st.integers(0, 2_000),
    seed=st.integers(0, 1_000),
)
def test_an_utterance_is_the_same_in_any_batch(lengths: list[int], spare: int, seed: int) -> None:
    assert worst_error(small(seed=seed), lengths, spare) < INVARIANCE


@pytest.mark.parametrize("name", CARDS)
def test_every_card_gives_a_small_network_of_its_family(name: str) -> None:
    upstream = small(name)
    assert isinstance(upstream, Upstream)
    assert worst_error(upstream, [400, 16_000, 719], 0) < INVARIANCE
    states, _ = upstream.extract(noise(8_000, 0)[None], torch.tensor([8_000]))
    assert (len(states), states[0].shape[-1]) == (upstream.card.layers, upstream.card.dim)
    assert sum(weight.numel() for weight in upstream.module.parameters()) == upstream.card.parameters


def test_the_official_padding_is_not_invariant() -> None:
    assert worst_error(small(official_padding=True), [8_000, 24_000], 0) > 1e-2


def test_scores_and_tokens_do_not_depend_on_the_batch_either() -> None:
    upstream, clips = small(), [noise(5_000, 1), noise(20_000, 2)]
    batch = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    lengths = torch.tensor([len(clip) for clip in clips])
    scores, tokens = upstream.classify(batch, lengths).scores, upstream.utterance_tokens(batch, lengths)
    assert torch.allclose(scores.sum(1), torch.ones(2), atol=1e-6)
    for place, clip in enumerate(clips):
        single, count = clip[None], torch.tensor([len(clip)])
        assert relative(scores[place], upstream.classify(single, count).scores[0]) < INVARIANCE
        assert relative(tokens[place], upstream.utterance_tokens(single, count)[0]) < INVARIANCE


@pytest.mark.parametrize(("tokens", "scales"), [(0, 4), (10, 1), (0, 1)])
def test_networks_without_tokens_and_with_one_distance_scale(tokens: int, scales: int) -> None:
    sizes = Sizes(dim=32, heads=4, mlp_dim=64, prenet=1, depth=1, extra_tokens=tokens, alibi_scales=scales)
    net = Emotion2vecNet(sizes).eval().requires_grad_(False)
    assert ("modality_encoders.AUDIO.extra_tokens" in net.state_dict()) == bool(tokens)
    valid = torch.tensor([[True] * 49, [True] * 20 + [False] * 29])
    states = net(torch.randn(2, 16_000), valid)
    assert [tuple(state.shape) for state in states] == [(2, tokens + 49, 32)] * 3


def test_the_bias_of_scattered_frames_is_the_bias_of_their_true_distances() -> None:
    """A later student keeps only some frames; its bias must be the full one, gathered."""
    audio = small().module.audio
    tokens, kept = audio.sizes.extra_tokens, torch.tensor([[1, 4, 5, 9], [0, 2, 3, 8]])
    full = audio.attention_bias(torch.arange(10)[None], None)[0, :, tokens:, tokens:]
    some = audio.attention_bias(kept, None)[:, :, tokens:, tokens:]
    for row, places in enumerate(kept):
        assert torch.equal(some[row], full[:, places][:, :, places])


def test_slopes_of_twelve_heads_fill_up_from_the_finer_series() -> None:
    eight = [2.0**-power for power in range(1, 9)]
    assert alibi_slopes(8) == eight
    assert alibi_slopes(12) == pytest.approx([*eight, 2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5], rel=1e-12)


def test_gain_and_offset_vanish_with_the_norm_and_stay_without() -> None:
    wave, lengths = noise(9_000, 3)[None], torch.tensor([9_000])
    for normalise, low, high in ((True, 0.0, 1e-3), (False, 1e-2, 10.0)):
        upstream = small(normalise=normalise)
        plain, louder = (upstream.extract(x, lengths).states[-1] for x in (wave, 4 * wave + 0.3))
        assert low <= relative(louder, plain) < high


def test_silence_and_the_shortest_clip_are_finite_and_shorter_is_refused() -> None:
    upstream = small()
    for samples in (400, 719, 720):
        states, frames = upstream.extract(torch.zeros(1, samples), torch.tensor([samples]))
        assert int(frames) == (2 if samples == 720 else 1)
        assert all(bool(state.isfinite().all()) for state in states)
    with pytest.raises(AudioError, match="399"):
        upstream.extract(torch.zeros(2, 800), torch.tensor([800, 399]))


def test_extraction_is_deterministic_leaves_its_input_alone_and_builds_no_graph() -> None:
    upstream, wave = small(), noise(6_000, 5)[None]
    before, lengths = wave.clone(), torch.tensor([6_000])
    first, second = upstream.extract(wave, lengths), upstream.extract(wave, lengths)
    assert torch.equal(first.states[-1], second.states[-1])
    assert torch.equal(wave, before)
    assert not first.states[-1].requires_grad


def test_a_seed_names_a_network_and_the_global_generator_is_not_its_source() -> None:
    torch.manual_seed(1)
    first = small(seed=3).module.state_dict()
    torch.manual_seed(2)
    again, other = small(seed=3).module.state_dict(), small(seed=4).module.state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)
