"""Whisper's log-mel spectrogram for a batch, without computing the silence that fills its 30 s window.

Source: Radford et al. 2022, section 2.2; openai/whisper whisper/audio.py (hann window of 400, hop 160, slaney mel
bands to 8 kHz, log10, floor 8 below the loudest value of the window, (x + 4) / 4), as in transformers 5.23,
WhisperFeatureExtractor.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WINDOW_SAMPLES = 480_000
"""30 s at 16 kHz, what Whisper was trained to see at once."""
HOP_SAMPLES = 160
_FFT_SAMPLES = 400
_FLOOR = 1e-10


class LogMel(nn.Module):
    """(batch, samples) -> (batch, bins, frames), rows of at most 30 s."""

    filters: Tensor
    window: Tensor

    def __init__(self, filters: Tensor) -> None:
        """Filters: (bins, 201) mel bands over the bins of the power spectrum."""
        super().__init__()
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("window", torch.hann_window(_FFT_SAMPLES), persistent=False)

    def forward(self, waves: Tensor, frames: int) -> Tensor:
        """Log-mel of each row as if it were padded with zeros to 30 s.

        Every frame that lies wholly in that padding has the floor value in all bins; it is filled in, not
        computed. Neither it nor the length of the row can move the loudest value, to which a row is clamped.

        Args:
            waves: (batch, samples), exact zeros beyond each utterance.
            frames: how many frames to return, at most 3,000.
        """
        heard = -(-(waves.shape[1] + _FFT_SAMPLES) // HOP_SAMPLES) * HOP_SAMPLES
        padded = F.pad(waves, (0, min(heard, WINDOW_SAMPLES) - waves.shape[1]))
        spectrum = torch.stft(padded, _FFT_SAMPLES, HOP_SAMPLES, window=self.window, return_complex=True)
        power = torch.view_as_real(spectrum[..., :-1]).square().sum(-1)
        levels = (self.filters @ power).clamp_min(_FLOOR).log10()
        levels = F.pad(levels, (0, max(0, frames - levels.shape[-1])), value=-10.0)
        levels = torch.maximum(levels, levels.amax((1, 2), keepdim=True) - 8.0)
        return (levels[..., :frames] + 4.0) / 4.0
