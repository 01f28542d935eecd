"""Kaldi's front end for one utterance: log mel energies, deltas, and normalisation over the utterance.

The definitions are Kaldi's defaults as s3prl's baselines use them through torchaudio (facts read in kaldi-asr
src/feat/feature-window.cc, mel-computations.cc; torchaudio 2.11 compliance/kaldi.py, functional.compute_deltas;
s3prl 0.4.18 upstream/baseline/extracter.py), written anew here because torchaudio's builds do not load
everywhere:

- windows of 25 ms every 10 ms, only whole ones (`snip_edges`), no dither;
- per window: mean removed, pre-emphasis 0.97 with the first sample repeated, Povey window (Hann to the power
  0.85), zero-padded to 512 points, power spectrum;
- triangles that are linear in mel = 1127 ln(1 + f / 700), from 20 Hz to 8 kHz; log of at least float32's epsilon;
- deltas: regression over two frames on either side, edges repeated, of the utterance's own frames;
- normalisation: minus the mean, divided by 1e-10 + the deviation (N - 1) of the utterance.

All is computed in double precision, utterance by utterance: a batch cannot change a bit, and a tone whose windows
are all alike is not blown up from rounding noise by the normalisation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

SAMPLE_RATE_HZ = 16_000
WINDOW_SAMPLES = 400
HOP_SAMPLES = 160
_FFT_SAMPLES = 512
_PRE_EMPHASIS = 0.97
_LOWEST_HZ = 20.0
_FLOOR = torch.finfo(torch.float32).eps
_SPREAD_FLOOR = 1e-10
_BLOCK_FRAMES = 4096
"""Windows that are spread out in memory at once: 40 s of audio, about 60 MiB."""


def frame_counts(lengths: Tensor) -> Tensor:
    """Whole windows that fit: 1 + floor((samples - 400) / 160).

    >>> frame_counts(torch.tensor([400, 559, 560, 16_000]))
    tensor([ 1,  1,  2, 98])
    """
    return torch.div(lengths - WINDOW_SAMPLES, HOP_SAMPLES, rounding_mode="floor") + 1


def log_mel(wave: Tensor, bins: int) -> Tensor:
    """Log mel energies of one utterance.

    Args:
        wave: (samples,) at 16 kHz, at least 400 samples, full scale 1.
        bins: number of mel bands.

    Returns:
        (frames, bins) float64.
    """
    window = _povey_window().to(wave.device)
    bands = mel_bands(bins).to(wave.device)
    windows = wave.unfold(0, WINDOW_SAMPLES, HOP_SAMPLES)
    energies = [_energies(block.double(), window, bands) for block in torch.split(windows, _BLOCK_FRAMES)]
    return torch.cat(energies).clamp_min(_FLOOR).log()


def mel_bands(bins: int) -> Tensor:
    """(257, bins) float64 triangles of height 1 over the bins of the power spectrum; none holds the last one."""
    edges = torch.linspace(_mel(_LOWEST_HZ), _mel(SAMPLE_RATE_HZ / 2), bins + 2, dtype=torch.float64)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    hertz = torch.arange(_FFT_SAMPLES // 2, dtype=torch.float64) * SAMPLE_RATE_HZ / _FFT_SAMPLES
    mels = 1127.0 * torch.log1p(hertz / 700.0)[:, None]
    rising, falling = (mels - left) / (centre - left), (right - mels) / (right - centre)
    return F.pad(torch.minimum(rising, falling).clamp_min(0.0), (0, 0, 0, 1))


def with_deltas(features: Tensor, order: int) -> Tensor:
    """(frames, dim) -> (frames, dim * (order + 1)): the features, their deltas, the deltas of these, ..."""
    parts = [features]
    for _ in range(order):
        parts.append(_delta(parts[-1]))
    return torch.cat(parts, dim=1)


def normalised(features: Tensor) -> Tensor:
    """(frames, dim) with mean 0 and deviation 1 in every dimension; a single frame becomes zeros."""
    centred = features - features.mean(0)
    if len(features) == 1:
        return centred
    return centred / (_SPREAD_FLOOR + features.std(0))


def _energies(windows: Tensor, window: Tensor, bands: Tensor) -> Tensor:
    """(frames, 400) samples -> (frames, bins) mel energies."""
    windows = windows - windows.mean(1, keepdim=True)
    before = torch.cat([windows[:, :1], windows[:, :-1]], dim=1)
    spectrum = torch.fft.rfft((windows - _PRE_EMPHASIS * before) * window, n=_FFT_SAMPLES)
    return torch.view_as_real(spectrum).square().sum(-1) @ bands


def _povey_window() -> Tensor:
    return torch.hann_window(WINDOW_SAMPLES, periodic=False, dtype=torch.float64).pow(0.85)


def _mel(hertz: float) -> float:
    return 1127.0 * math.log1p(hertz / 700.0)


def _delta(features: Tensor) -> Tensor:
    """Sum over n = 1, 2 of n (x[t + n] - x[t - n]), divided by 10."""
    first, last = features[:1].expand(2, -1), features[-1:].expand(2, -1)
    padded = torch.cat([first, features, last])
    return (2.0 * (padded[4:] - padded[:-4]) + (padded[3:-1] - padded[1:-3])) / 10.0
