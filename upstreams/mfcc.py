"""Mel-frequency cepstra with deltas, as in s3prl.

13 cepstra (the zeroth included) of 23 log mel energies, their deltas and delta-deltas (39 dimensions), each with
mean 0 and deviation 1 over the utterance (CMVN). The cosine transform is the orthonormal type II; cepstrum i is
liftered by 1 + 11 sin(pi i / 22). Frames: 1 + floor((samples - 400) / 160).

With CMVN the time mean of every dimension is zero: a head that sees means learns nothing (see `fbank`); the card
`mfcc` leaves the normalisation out and `mfcc_cmvn` keeps it.

Source: s3prl 0.4.18, s3prl/upstream/baseline/mfcc.yaml and extracter.py; Kaldi src/feat/feature-mfcc.cc.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from harness.contracts import Card
from upstreams import _kaldi
from upstreams._spectral import SpectralUpstream, require_dim
from upstreams._weightless import refuse_weights

_LIFTER = 22.0


@dataclass(kw_only=True)
class Config:
    """What the cards of this family set."""

    cepstra: int = 13
    """How many coefficients are kept, from the zeroth on."""
    mel_bins: int = 23
    delta_order: int = 2
    """0: none, 1: deltas, 2: deltas and delta-deltas."""
    cmvn: bool = True
    """Zero mean and unit deviation of every dimension over the utterance."""


def load(card: Card, config: Config, weights: Path | None) -> SpectralUpstream:
    """The features; nothing is loaded.

    Raises:
        ConfigError: weights are given, or the options do not make `card.dim` dimensions.
    """
    refuse_weights(card, weights)
    require_dim(card, config.cepstra * (config.delta_order + 1))
    transform = cepstral_transform(config.mel_bins, config.cepstra)

    def describe(wave: Tensor) -> Tensor:
        cepstra = _kaldi.log_mel(wave, config.mel_bins) @ transform.to(wave.device)
        features = _kaldi.with_deltas(cepstra, config.delta_order)
        return _kaldi.normalised(features) if config.cmvn else features

    return SpectralUpstream(card, describe)


def random_small(card: Card, config: Config, seed: int) -> SpectralUpstream:  # noqa: ARG001 - nothing is drawn
    """The features themselves: there are no weights to draw."""
    return load(card, config, None)


def cepstral_transform(mel_bins: int, cepstra: int) -> Tensor:
    """(mel_bins, cepstra) float64: orthonormal cosine transform, type II, times the lifter."""
    band = torch.arange(mel_bins, dtype=torch.float64)[:, None] + 0.5
    order = torch.arange(cepstra, dtype=torch.float64)
    cosines = torch.cos(math.pi / mel_bins * band * order) * math.sqrt(2.0 / mel_bins)
    cosines[:, 0] = math.sqrt(1.0 / mel_bins)
    return cosines * (1.0 + 0.5 * _LIFTER * torch.sin(math.pi * order / _LIFTER))
