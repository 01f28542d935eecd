"""Log mel filterbank with deltas: the FBANK row of SUPERB.

80 log mel energies, their deltas and delta-deltas (240 dimensions), each with mean 0 and deviation 1 over the
utterance (CMVN). Frames: 1 + floor((samples - 400) / 160); frame t covers samples 160 t to 160 t + 399.

With CMVN the time mean of every dimension is zero and its deviation one, so a head that sees means learns nothing
from it: that is SUPERB's definition, and the reason for its FBANK row at chance on emotion. The card
`fbank` leaves the normalisation out and `fbank_cmvn` is SUPERB's.

Source: s3prl 0.4.18, s3prl/upstream/baseline/fbank.yaml and extracter.py; Yang et al. 2021, SUPERB, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from harness.contracts import Card
from upstreams import _kaldi
from upstreams._spectral import SpectralUpstream, require_dim
from upstreams._weightless import refuse_weights


@dataclass(kw_only=True)
class Config:
    """What the cards of this family set."""

    mel_bins: int = 80
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
    require_dim(card, config.mel_bins * (config.delta_order + 1))

    def describe(wave: Tensor) -> Tensor:
        features = _kaldi.with_deltas(_kaldi.log_mel(wave, config.mel_bins), config.delta_order)
        return _kaldi.normalised(features) if config.cmvn else features

    return SpectralUpstream(card, describe)


def random_small(card: Card, config: Config, seed: int) -> SpectralUpstream:  # noqa: ARG001 - nothing is drawn
    """The features themselves: there are no weights to draw."""
    return load(card, config, None)
