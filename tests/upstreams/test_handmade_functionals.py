"""openSMILE's two sets: the package's own values, untouched by the batch, and its traps avoided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from harness import config as settings_of
from harness.contracts import Upstream
from harness.errors import AudioError, ConfigError
from harness.models import load_upstream

SETS = {"egemaps": ("eGeMAPSv02", 88), "compare_2016": ("ComParE_2016", 6373)}
pytest.importorskip("opensmile", reason="needs openSMILE's library for this system")


@pytest.fixture(scope="module", params=list(SETS))
def upstream(request: pytest.FixtureRequest) -> Upstream:
    return load_upstream(settings_of.card_named(request.param))


def voice(samples: int, pitch_hz: float = 120.0) -> torch.Tensor:
    draw, time_s = torch.Generator().manual_seed(samples), torch.arange(samples) / 16_000
    tone = torch.stack([torch.sin(2 * torch.pi * k * pitch_hz * time_s) / k for k in range(1, 12)]).sum(0)
    return 0.1 * tone + 0.003 * torch.randn(samples, generator=draw)


def vector(upstream: Upstream, wave: torch.Tensor) -> torch.Tensor:
    return upstream.extract(wave[None], torch.tensor([len(wave)])).states[0][0, 0]


def test_gives_the_packages_own_values(upstream: Upstream) -> None:
    import opensmile

    feature_set, dim = SETS[upstream.card.name]
    smile = opensmile.Smile(opensmile.FeatureSet[feature_set], opensmile.FeatureLevel.Functionals)
    wave = voice(8000)
    ours, theirs = vector(upstream, wave), smile.process_signal(wave.numpy(), 16_000).to_numpy()[0]
    assert ours.dtype == torch.float32
    assert ours.shape == (dim,)
    assert np.array_equal(ours.numpy(), theirs)


def test_a_batch_changes_no_bit(upstream: Upstream) -> None:
    waves = [voice(960), voice(12_000, 210.0), voice(5003, 90.0)]
    lengths = torch.tensor([len(wave) for wave in waves])
    padded = pad_sequence(waves, batch_first=True)
    padded[0, 960:] = 0.7
    batch = upstream.extract(padded, lengths)
    assert batch.frames.tolist() == [1, 1, 1]
    assert batch.states[0].shape == (3, 1, upstream.card.dim)
    for row, wave in enumerate(waves):
        assert torch.equal(batch.states[0][row, 0], vector(upstream, wave))


@pytest.mark.parametrize("level", [0.0, 0.25, -1.0])
@pytest.mark.parametrize("samples", [960, 8000])
def test_silence_and_constants_are_finite(upstream: Upstream, samples: int, level: float) -> None:
    assert torch.isfinite(vector(upstream, torch.full((samples,), level))).all()


def test_full_scale_is_clipped_not_wrapped(upstream: Upstream) -> None:
    """The package alone turns a peak of +1.0 into -32768, a click in the middle of the loudest vowel."""
    wave = voice(4000)
    wave = wave / wave.max()
    assert wave.max() == 1.0
    assert torch.equal(vector(upstream, wave), vector(upstream, wave.clamp(max=32767 / 32768)))
    assert torch.isfinite(vector(upstream, 3.0 * wave)).all()


def test_shorter_than_the_pitch_window_is_refused(upstream: Upstream) -> None:
    with pytest.raises(AudioError, match="at least 960 samples"):
        vector(upstream, voice(959))


def test_samples_that_are_not_finite_are_refused(upstream: Upstream) -> None:
    wave = voice(4000)
    wave[17] = float("nan")
    with pytest.raises(AudioError, match="the first at 17"):
        vector(upstream, wave)


def test_refuses_a_card_that_does_not_fit(tmp_path: Path) -> None:
    card = settings_of.card_named("egemaps")
    with pytest.raises(ConfigError, match="wanted: dim 88"):
        load_upstream(replace(card, dim=87))
    with pytest.raises(ConfigError, match="no weights"):
        load_upstream(replace(card, path=str(tmp_path)))


def test_has_no_network(upstream: Any) -> None:
    assert upstream.module is None
