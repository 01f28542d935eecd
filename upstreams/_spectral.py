"""An upstream without weights that computes frames utterance by utterance: what `fbank` and `mfcc` share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from harness.contracts import Card, HiddenStates
from harness.errors import ConfigError
from upstreams import _kaldi, _lengths


class SpectralUpstream:
    """One hidden state: the features of `describe`, in single precision.

    Args:
        card: what is known about the features.
        describe: (samples,) -> (frames, dim), with `_kaldi.frame_counts` frames.
    """

    def __init__(self, card: Card, describe: Callable[[Tensor], Tensor]) -> None:
        self.card = card
        self.module: torch.nn.Module | None = None
        self._describe = describe

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """Features of a zero-padded batch, bit for bit those of each utterance alone.

        Args:
            waves: (batch, samples) float32 at 16 kHz.
            lengths: (batch,) int64.

        Raises:
            AudioError: an utterance is shorter than one window.
        """
        waves, lengths = _lengths.trimmed(self.card, waves, lengths, waves.device)
        rows = zip(waves, lengths.tolist(), strict=True)
        features = [self._describe(wave[:samples]).float() for wave, samples in rows]
        return HiddenStates((pad_sequence(features, batch_first=True),), _kaldi.frame_counts(lengths))


def require_dim(card: Card, dim: int) -> None:
    """Raises ConfigError where the options make other features than the card states."""
    if card.dim != dim:
        raise ConfigError(
            f"the options of {card.name} do not make what its card states",
            got=f"{dim} dimensions from {dict(card.options)}",
            wanted=f"{card.dim} dimensions",
            next_step=f"set upstream.dim={dim} along with the options, or leave both as they were",
        )
