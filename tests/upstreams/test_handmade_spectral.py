"""Filterbank and cepstra against torchaudio's, utterance by utterance and in batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence

from harness import config as settings_of
from harness.contracts import HiddenStates
from harness.errors import AudioError, ConfigError
from harness.models import load_upstream
from upstreams import _kaldi, _torchaudio_shim

NAMES = ("fbank", "fbank_cmvn", "mfcc", "mfcc_cmvn")


def upstream(name: str) -> Any:
    return load_upstream(settings_of.card_named(name))


def voice(samples: int, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    tone = torch.sin(torch.arange(samples) * 0.06 * (1 + 0.2 * torch.sin(torch.arange(samples) / 3000)))
    return 0.3 * tone + 0.02 * torch.randn(samples, generator=draw)


def alone(model: Any, wave: torch.Tensor) -> HiddenStates:
    return model.extract(wave[None], torch.tensor([len(wave)]))


def reference(name: str, wave: torch.Tensor) -> torch.Tensor:
    """torchaudio's own compliance code and deltas, in double precision, normalised as s3prl does."""
    _torchaudio_shim.install()
    from torchaudio.compliance import kaldi
    from torchaudio.functional import compute_deltas

    wave = wave.double()[None]
    if name.startswith("fbank"):
        static = kaldi.fbank(wave, num_mel_bins=80, dither=0.0)
    else:
        static = kaldi.mfcc(wave, num_ceps=13, dither=0.0)
    delta = compute_deltas(static.T[None])[0]
    features = torch.cat([static.T, delta, compute_deltas(delta[None])[0]]).T
    if not name.endswith("_cmvn"):
        return features
    return (features - features.mean(0)) / (1e-10 + features.std(0))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("samples", [560, 1003, 16_000])
def test_equals_torchaudio(name: str, samples: int) -> None:
    """torchaudio keeps its mel bands in single precision (2e-7 relative), which the cepstra add up."""
    ours = alone(upstream(name), voice(samples)).states[0][0].double()
    theirs = reference(name, voice(samples))
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=5e-4)


@settings(max_examples=20)
@given(st.lists(st.integers(400, 9000), min_size=2, max_size=5), st.sampled_from(NAMES))
def test_a_batch_changes_no_bit(lengths: list[int], name: str) -> None:
    model = upstream(name)
    waves = [voice(samples, seed) for seed, samples in enumerate(lengths)]
    padded = pad_sequence(waves, batch_first=True) + 0.0
    for row, samples in enumerate(lengths):
        padded[row, samples:] = 9.0
    batch = model.extract(padded, torch.tensor(lengths))
    for row, wave in enumerate(waves):
        lone = alone(model, wave)
        count = int(lone.frames[0])
        assert count == int(batch.frames[row]) == 1 + (len(wave) - 400) // 160
        assert torch.equal(lone.states[0][0, :count], batch.states[0][row, :count])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("samples", [400, 4000])
@pytest.mark.parametrize("level", [0.0, 0.25])
def test_constants_are_finite_and_quiet(name: str, samples: int, level: float) -> None:
    """Silence and DC have no spread to divide by: the normalisation gives rounding of 1e-14 over 1e-10."""
    state = alone(upstream(name), torch.full((samples,), level)).states[0]
    assert torch.isfinite(state).all()
    if name.endswith("_cmvn"):
        assert state.abs().max() < 1e-3


def test_a_steady_tone_is_not_blown_up() -> None:
    """Its windows are alike (200 Hz repeats every 80 samples), so only rounding could differ between frames."""
    tone = 0.5 * torch.sin(2 * torch.pi * (torch.arange(16_000) % 80) / 80)
    assert alone(upstream("fbank_cmvn"), tone).states[0].abs().max() < 1e-3


def test_long_clips_are_cut_into_blocks_without_a_seam() -> None:
    wave = voice(160 * (_kaldi._BLOCK_FRAMES + 20) + 400)
    tail = wave[160 * (_kaldi._BLOCK_FRAMES - 10) :]
    torch.testing.assert_close(
        _kaldi.log_mel(wave, 80)[-30:], _kaldi.log_mel(tail, 80)[-30:], rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("name", NAMES)
def test_too_short_is_refused(name: str) -> None:
    with pytest.raises(AudioError, match="at least 400 samples"):
        alone(upstream(name), voice(399))


def test_settings_that_do_nothing_are_refused(tmp_path: Path) -> None:
    card = settings_of.card_named("fbank")
    with pytest.raises(ConfigError, match="no weights"):
        load_upstream(replace(card, path=str(tmp_path)))
    with pytest.raises(ConfigError, match="120 dimensions"):
        load_upstream(replace(card, options={**card.options, "mel_bins": 40}))
