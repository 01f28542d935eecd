"""The log-mel front end of BYOL-A and BYOL-S, per utterance inside a padded batch.

16 kHz, Hann window of 400 every 160 samples around t * 160 (edges reflected at the utterance's own ends), padded
to 1024 points, power spectrum, 64 triangles from 60 to 7800 Hz whose corners are evenly spaced on HTK's mel scale
2595 log10(1 + f / 700), linear in Hz, height 1 (no area normalisation), log(x + float32's epsilon).

SERAB divides 16-bit samples by 32767 where sound files are read divided by 32768 here; `_FULL_SCALE` makes up for
it (it moves the log-mel by 6e-5), so that published means are met to their last digit.

Source: Niizumi et al. 2021, BYOL for Audio (nttcslab/byol-a config.yaml); Neclow/SERAB cc0ebd7, SERAB/config.yaml,
SERAB/utils.py, with torchaudio's MelSpectrogram.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

HOP_SAMPLES = 160
MEL_BINS = 64
_SAMPLE_RATE_HZ = 16_000
_WINDOW_SAMPLES = 400
_FFT_SAMPLES = 1024
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7800.0
_EPSILON = torch.finfo(torch.float32).eps
_FULL_SCALE = 32768 / 32767


class HtkLogMel(nn.Module):
    """(batch, samples) and lengths -> (batch, 64, frames); what lies beyond an utterance is undefined."""

    bands: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bands", mel_bands().float(), persistent=False)
        self.register_buffer("window", _FULL_SCALE * torch.hann_window(_WINDOW_SAMPLES), persistent=False)

    def forward(self, waves: Tensor, lengths: Tensor) -> Tensor:
        """Log-mel energies; utterances need more than 200 samples to be reflected."""
        windows = reflected(waves, lengths, _WINDOW_SAMPLES // 2).unfold(1, _WINDOW_SAMPLES, HOP_SAMPLES)
        spectrum = torch.fft.rfft(windows * self.window, n=_FFT_SAMPLES)
        power = torch.view_as_real(spectrum).square().sum(-1)
        return (power @ self.bands + _EPSILON).log().transpose(1, 2)


def frame_counts(lengths: Tensor) -> Tensor:
    """1 + floor(samples / 160).

    >>> frame_counts(torch.tensor([1119, 1120, 16_000]))
    tensor([  7,   8, 101])
    """
    return torch.div(lengths, HOP_SAMPLES, rounding_mode="floor") + 1


def reflected(waves: Tensor, lengths: Tensor, margin: int) -> Tensor:
    """Each row with `margin` samples mirrored before its start and after its own end (edge not repeated).

    >>> reflected(torch.tensor([[1., 2., 3., 0., 0.]]), torch.tensor([3]), 2)[:, :7]
    tensor([[3., 2., 1., 2., 3., 2., 1.]])
    """
    place = torch.arange(-margin, waves.shape[1] + margin, device=waves.device).abs()
    last = lengths[:, None] - 1
    place = torch.where(place > last, 2 * last - place, place).clamp_min(0)
    return waves.gather(1, place)


def mel_bands() -> Tensor:
    """(513, 64) float64 triangles of height 1 over the bins of the power spectrum."""
    mels = torch.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), MEL_BINS + 2, dtype=torch.float64)
    corners = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    hertz = torch.linspace(0.0, _SAMPLE_RATE_HZ / 2, _FFT_SAMPLES // 2 + 1, dtype=torch.float64)[:, None]
    rising, falling = (hertz - left) / (centre - left), (right - hertz) / (right - centre)
    return torch.minimum(rising, falling).clamp_min(0.0)


def _mel(hertz: float) -> float:
    return 2595.0 * math.log10(1.0 + hertz / 700.0)
