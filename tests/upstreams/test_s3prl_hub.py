"""s3prl's hub behind our contract: equal to our own loaders, exact in any batch, without traces.

Checkpoints are tiny random models, written in the layouts that s3prl reads: folders of transformers' for the
`hf_*_custom` names, and the same weights under fairseq's names for s3prl's own networks.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from s3prl_checkpoints import (
    card,
    load,
    save_folder,
    transformers_model,
    write_data2vec,
    write_wav2vec2,
    write_wavlm,
)
from torch import Tensor

from harness.check import check, made_up_voices, together
from harness.config import card_named
from harness.engines import alone, relative_error
from harness.errors import AudioError, PluginError
from harness.models import random_upstream
from upstreams import hf, s3prl_hub

SAME = 1e-5
"""Two implementations of one network in float32: sums in another order, relative to the largest value."""


# -------------------------------------------------------------------------------- equal to our own loaders


def ours(folder: Path, architecture: Any, normalise: bool, norm: Any = "group") -> hf.HfUpstream:
    config = hf.Config(
        architecture=architecture, feature_norm=norm, stable_layer_norm=False, normalise=normalise
    )
    return hf.load(card(f"own_{architecture}"), config, folder)


def worst_difference(upstream: Any, own: Any) -> float:
    """Over every layer of four voices, from the shortest possible clip to 2.3 s, in one padded batch of each."""
    voices = made_up_voices(upstream.card)
    theirs, mine = together(upstream, voices), together(own, voices)
    assert torch.equal(theirs.frames, mine.frames)
    assert len(theirs.states) == len(mine.states)
    assert all(bool(state.isfinite().all()) for state in theirs.states)
    return max(relative_error(alone(own, voice), theirs, row) for row, voice in enumerate(voices))


def test_hf_wav2vec2_custom_equals_our_own_loader(wav2vec2: Path) -> None:
    assert worst_difference(load("hf_wav2vec2_custom", wav2vec2), ours(wav2vec2, "wav2vec2", True)) < SAME


def test_hf_hubert_custom_equals_our_own_loader(hubert: Path) -> None:
    assert worst_difference(load("hf_hubert_custom", hubert), ours(hubert, "hubert", False)) < SAME


@pytest.mark.parametrize(
    ("name", "write", "facts"),
    [
        ("wavlm_local", write_wavlm, ("wavlm", False, "group")),
        ("wav2vec2_custom", write_wav2vec2, ("wav2vec2", False, "group")),
        ("data2vec_custom", write_data2vec, ("data2vec-audio", True, "layer")),
    ],
)
def test_s3prls_own_networks_equal_our_own_loaders(
    tmp_path: Path, name: str, write: Callable[[Path], Path], facts: tuple[str, bool, str]
) -> None:
    s3prl_hub.names()
    upstream = load(name, write(tmp_path))
    assert upstream.card.layers == 3
    assert worst_difference(upstream, ours(tmp_path, *facts)) < SAME


def test_large_models_differ_by_the_final_norm_at_most(tmp_path: Path) -> None:
    """transformers 5 returns their last hidden state before the final norm, 4 and fairseq after it."""
    large = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
    folder = save_folder(transformers_model("Wav2Vec2", **large), tmp_path, True)
    config = hf.Config(architecture="wav2vec2", feature_norm="layer", stable_layer_norm=True, normalise=True)
    upstream, own = load("hf_wav2vec2_custom", folder), hf.load(card("own"), config, folder)
    wave = made_up_voices(upstream.card)[-1]
    theirs, mine = alone(upstream, wave).states, alone(own, wave).states
    for their, my in zip(theirs[:-1], mine[:-1], strict=True):
        assert torch.allclose(their, my, rtol=0, atol=SAME * float(my.abs().max()))
    norm: Any = own.module.get_submodule("encoder.layer_norm")
    gaps = [float((last - mine[-1]).abs().max()) for last in (theirs[-1], norm(theirs[-1]))]
    assert min(gaps) < SAME * float(mine[-1].abs().max())


@pytest.mark.parametrize("name", ["fbank", "mfcc"])
def test_hand_made_features_are_s3prls_own(name: str) -> None:
    upstream = load(name)
    wave = made_up_voices(upstream.card)[-1]
    assert upstream.module is not None
    padded, _ = upstream.module(wave[None], torch.tensor([len(wave)]))
    mine = alone(upstream, wave)
    frames = int(mine.frames[0])
    assert frames == 1 + (len(wave) - 400) // 160
    assert torch.equal(mine.states[0], padded[0][:, :frames])


# ---------------------------------------------------------------------------------------- what is promised


def test_padding_reaches_s3prl_but_not_us(wav2vec2: Path) -> None:
    upstream = load("hf_wav2vec2_custom", wav2vec2)
    _, short, _, long = made_up_voices(upstream.card)
    lone, batch = alone(upstream, short), together(upstream, [short, long])
    assert upstream.module is not None
    with torch.no_grad():
        padded = torch.nn.utils.rnn.pad_sequence([short, long], batch_first=True)
        theirs, _ = upstream.module(padded, torch.tensor([len(short), len(long)]))
    frames = int(lone.frames[0])
    gap = (theirs[-1][0, :frames] - lone.states[-1][0]).abs().max() / lone.states[-1].abs().max()
    assert relative_error(lone, batch, 0) == 0.0
    assert float(gap) > 0.1, "if s3prl becomes exact, batches of one are no longer needed"


def test_frames_are_those_of_the_model_not_s3prls_rounding(wav2vec2: Path) -> None:
    upstream = load("hf_wav2vec2_custom", wav2vec2)
    second = made_up_voices(upstream.card)[-1][:16000]
    assert upstream.module is not None
    _, claimed = upstream.module(second[None], torch.tensor([16000]))
    assert int(alone(upstream, second).frames[0]) == 49
    assert int(claimed[0][0]) == 50


def test_the_card_is_measured(wav2vec2: Path) -> None:
    wrong = card("hf_wav2vec2_custom", dim=768, layers=13, hop_samples=None, min_samples=1)
    upstream = s3prl_hub.load(wrong, s3prl_hub.Config(name="hf_wav2vec2_custom"), wav2vec2)
    found = upstream.card
    assert (found.dim, found.layers, found.hop_samples, found.min_samples) == (32, 3, 320, 400)
    assert upstream.module is not None
    assert found.parameters == sum(weight.numel() for weight in upstream.module.parameters()) > 0
    assert not any(weight.requires_grad for weight in upstream.module.parameters())


def test_a_clip_below_the_shortest_is_refused() -> None:
    with pytest.raises(AudioError, match="559"):
        alone(load("fbank"), torch.randn(559))


@pytest.mark.parametrize("name", ["s3prl_fbank", "s3prl_mfcc"])
def test_cards_of_hand_made_features_tell_the_measured_sizes(name: str) -> None:
    told = card_named(name)
    assert random_upstream(told).card == told


@pytest.mark.parametrize("name", ["s3prl_fbank", "s3prl_mfcc", "s3prl_hub"])
def test_every_promise_of_the_house_is_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMOHARNESS_WEIGHTS", raising=False)
    assert check(card_named(name), "cpu").broken == []


def test_random_small_follows_its_seed() -> None:
    def state(seed: int) -> Tensor:
        small = s3prl_hub.random_small(card("x"), s3prl_hub.Config(name="hf_hubert_custom"), seed)
        return alone(small, made_up_voices(small.card)[1]).states[-1]

    assert torch.equal(state(1), state(1))
    assert not torch.allclose(state(1), state(2))


def test_random_small_says_where_it_has_none() -> None:
    with pytest.raises(PluginError, match=r"upstream\.path"):
        s3prl_hub.random_small(card("x"), s3prl_hub.Config(name="wavlm_local"), 0)


def test_loading_leaves_no_traces(wav2vec2: Path) -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    environment, isinstance_before = dict(os.environ), isinstance
    load("hf_wav2vec2_custom", wav2vec2)
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert after == before
    assert dict(os.environ) == environment
    assert isinstance is isinstance_before


# -------------------------------------------------------------------------------------------- names, settings


def test_what_s3prls_modules_import_is_no_upstream() -> None:
    known = s3prl_hub.names()
    assert {"hf_wav2vec2_custom", "data2vec_custom", "wavlm_local", "fbank", "wavlm_base_plus"} <= set(known)
    assert not {"Path", "FileLock", "load_and_convert_fairseq_ckpt"} & set(known)


def test_a_settings_file_goes_where_s3prl_wants_it(tmp_path: Path) -> None:
    settings = tmp_path / "small.yaml"
    settings.write_text(
        "kaldi: {feat_type: fbank, fbank: {num_mel_bins: 23, frame_shift: 20.0}}\n"
        "delta: {order: 0, win_length: 5}\ncmvn: {use_cmvn: False}\n"
    )
    by_path, by_extra = (
        load("baseline_local", settings),
        load("baseline_local", extra={"model_config": str(settings)}),
    )
    assert (by_path.card.dim, by_path.card.hop_samples, by_path.card.min_samples) == (23, 320, 400)
    assert by_extra.card.dim == 23
