"""What an upstream gives: hidden states of a padded batch, and a card that describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Card:
    """What is known about a checkpoint before it is loaded: `recipes/upstream/<name>.yaml`."""

    name: str
    family: str
    """Module in `upstreams/` that loads it."""
    about: str
    licence: str
    source: str
    """Where the facts on this card were read."""
    dim: int
    layers: int
    """Number of hidden states that `extract` returns."""
    hop_samples: int | None
    """Samples between two frames; None for one vector per utterance."""
    min_samples: int
    """Shortest input that yields a frame."""
    sample_rate_hz: int = 16_000
    parameters: int = 0
    trained_on: tuple[str, ...] = ()
    """Corpora (by our names where we have them) in the checkpoint's own training."""
    hub_id: str = ""
    revision: str = ""
    path: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    """Passed to the family's `Config`, field by field."""


class HiddenStates(NamedTuple):
    """What an upstream gives for a padded batch."""

    states: tuple[Tensor, ...]
    """One tensor (batch, frames, dim) per layer, from the input of the first block to the last output."""
    frames: Tensor
    """(batch,) int64: how many frames of each utterance are valid; the rest is undefined."""


@runtime_checkable
class Upstream(Protocol):
    """A loaded model. `extract` gives, for an utterance in any padded batch, what it gives for it alone."""

    card: Card
    module: torch.nn.Module | None
    """The network, for counting parameters and moving devices; None for hand-made features."""

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """Hidden states of a zero-padded batch.

        Args:
            waves: (batch, samples) float32 at the card's sample rate.
            lengths: (batch,) int64, valid samples of each row, at least `card.min_samples`.
        """
        ...


@runtime_checkable
class Traceable(Upstream, Protocol):
    """An upstream that can be written down as a graph of one utterance, without padding, masks or lengths."""

    def single(self) -> torch.nn.Module:
        """A module that maps one wave (1, samples) float32 to its states (layers, frames, dim) float32.

        They are what `extract` gives for that utterance alone, for any number of samples from
        `card.min_samples` on, and `torch.export` can trace the way there with a free number of samples. The
        module shares its weights with the upstream.
        """
        ...


@runtime_checkable
class CalibratedUpstream(Upstream, Protocol):
    """An upstream whose front end is scaled with statistics of the training part of a fold (no labels)."""

    def calibrate(self, waves: Iterable[Tensor]) -> Mapping[str, float]:
        """Take the statistics from the (samples,) waves, keep them, and return them for the record."""
        ...


@runtime_checkable
class UpstreamFamily(Protocol):
    """A module in `upstreams/`.

    It owns a dataclass `Config` (the options its cards may set) and two functions. `random_small` builds a
    tiny network with random weights in the family's own architecture, for tests that need no download. Where
    options change width or hop of the features, a third one, `presented(card, config)`, says the card of those.
    """

    Config: type

    @staticmethod
    def load(card: Card, config: object, weights: Path | None) -> Upstream:
        """Load the checkpoint; `weights` is a local folder or file, None means the hub (or no weights)."""
        ...

    @staticmethod
    def random_small(card: Card, config: object, seed: int) -> Upstream:
        """The same code path on a small random network; its own card states its true sizes."""
        ...
