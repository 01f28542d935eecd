"""What a text encoder gives: one vector per text, and a card that describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class TextCard:
    """What is known about a text encoder before it is loaded: `recipes/text/<name>.yaml`."""

    name: str
    family: str
    """Module in `upstreams/texts/` that loads it."""
    about: str
    licence: str
    source: str
    """Where the facts on this card were read."""
    dim: int
    """Width of a text's vector."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of what it was trained on; empty where nobody says."""
    trained_on: tuple[str, ...] = ()
    """Corpora (by our names where we have them) in the encoder's own training."""
    hub_id: str = ""
    revision: str = ""
    path: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    """Passed to the family's `Config`, field by field."""


@runtime_checkable
class TextEncoder(Protocol):
    """A loaded encoder. `encode` gives, for a text among any others, what it gives for that text alone."""

    card: TextCard
    module: torch.nn.Module
    """The network, for moving it to a device."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, dim) float32; an empty text has a vector too."""
        ...


@runtime_checkable
class TextFamily(Protocol):
    """A module in `upstreams/texts/`: `Config` holds the options that its cards may set."""

    Config: type

    @staticmethod
    def load(card: TextCard, config: object, weights: Path | None) -> TextEncoder:
        """Load the checkpoint; `weights` is a local folder, None means the hub."""
        ...
