"""AudioNTT2020, the convolutional encoder of BYOL-A and BYOL-S, blind to the padding of a batch.

Three times convolution 3 x 3 with padding 1, batch norm, ReLU, max-pool 2 x 2; then per frame two linear layers
with ReLU; the clip's vector is its mean plus its maximum over time. In a padded batch every convolution has to
see zeros beyond an utterance's own frames, as it does for the utterance alone: they are silenced before each.

Source: Niizumi et al. 2021, BYOL for Audio, figure 2 and table 2; Neclow/SERAB cc0ebd7,
SERAB/byol_a/models/audio_ntt.py (names of the state dict, order of the flattened values: band, then channel).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from upstreams._lengths import valid

POOLING = 8
"""Frames of the log-mel behind one frame of the encoder, and the fewest that yield one."""
_LAYERS_OF_BLOCK = 4


class AudioNTT2020(nn.Module):
    """(batch, mel_bins, frames) -> (batch, dim).

    Args:
        mel_bins: a multiple of 8.
        dim: width of the clip's vector.
        channels: of every convolution; 64 in all published checkpoints.
    """

    def __init__(self, mel_bins: int, dim: int, channels: int = 64) -> None:
        super().__init__()
        blocks = [_block(inputs, channels) for inputs in (1, channels, channels)]
        self.features = nn.Sequential(*(layer for block in blocks for layer in block))
        self.fc = nn.Sequential(
            nn.Linear(channels * (mel_bins // POOLING), dim),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(dim, dim),
            nn.ReLU(),
        )

    def forward(self, spectrogram: Tensor, frames: Tensor) -> Tensor:
        """Vectors of the utterances, whose first `frames` columns (at least 8) are their own."""
        hidden = spectrogram[:, None]
        for start in range(0, len(self.features), _LAYERS_OF_BLOCK):
            hidden = self.features[start : start + _LAYERS_OF_BLOCK](_silenced(hidden, frames))
            frames = torch.div(frames, 2, rounding_mode="floor")
        hidden = self.fc(hidden.permute(0, 3, 2, 1).flatten(2))  # (batch, frames, dim)
        return _mean_plus_maximum(hidden, frames)


def _block(inputs: int, channels: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)


def _silenced(hidden: Tensor, frames: Tensor) -> Tensor:
    """Zeros in (batch, channels, bins, time) beyond each utterance."""
    return hidden.masked_fill(~valid(frames, hidden.shape[-1])[:, None, None, :], 0.0)


def _mean_plus_maximum(hidden: Tensor, frames: Tensor) -> Tensor:
    """Over the valid frames of (batch, frames, dim); values are not negative after the ReLU."""
    hidden = hidden.masked_fill(~valid(frames, hidden.shape[1])[..., None], 0.0)
    return hidden.sum(1) / frames[:, None] + hidden.amax(1)
