"""Vectors of texts: every text is encoded once, ever, and stored under the hash of its own characters.

The store is that of the speech features: what shaped the vectors names the folder, the SHA-256 of a text its row.
So corpora share what they both say, and no text can change the vector of another.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from harness import registry, weights
from harness.config import build
from harness.contracts import TextCard, TextEncoder
from harness.errors import CheckError
from harness.paths import cache_root
from harness.progress import progress
from harness.store import StoreKey, UtteranceFeatures, open_store

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARD_TEXTS = 256
"""What a killed process loses at most."""


def load_encoder(card: TextCard, device: str = "cpu") -> TextEncoder:
    """The encoder that a card describes, on a device.

    Raises:
        WeightsError: the checkpoint is missing, damaged, or not the one on the card.
        ConfigError: the card sets an option that its family does not have.
    """
    module = registry.load("texts", card.family)
    options = build(module.Config, card.options, where=f"text.{card.name}.options")
    encoder = cast(TextEncoder, module.load(card, options, weights.locate(card)))
    encoder.module.to(device).eval().requires_grad_(False)
    return encoder


class Texts:
    """Vectors by text, from the store; the encoder is loaded only where a text is new.

    Args:
        card: of the encoder.
        load: gives the encoder when it is wanted.
        place: folder or address below which the vectors are kept; None: in the cache.
    """

    def __init__(
        self, card: TextCard, load: Callable[[TextCard], TextEncoder], place: str | None = None
    ) -> None:
        self._card, self._load = card, load
        kept = cache_root() / "texts" if place is None else f"{place.rstrip('/')}/texts"
        self._store = open_store(kept, _key(card))

    def prepare(self, texts: Sequence[str]) -> int:
        """Encode and store what is not there yet; the number of new texts.

        Raises:
            CheckError: the encoder gives vectors of another width, or such that are no numbers.
            StoreError: the store cannot be written.
            WeightsError: the encoder cannot be loaded.
        """
        named = {_name(text): text for text in texts}
        missing = self._store.missing(sorted(named))
        if not missing:
            return 0
        self._store.prepare()
        encoder = self._load(self._card)
        with progress(f"encoding texts with {self._card.name}") as advance:
            for first in range(0, len(missing), SHARD_TEXTS):
                self._write(encoder, {name: named[name] for name in missing[first : first + SHARD_TEXTS]})
                advance(min(first + SHARD_TEXTS, len(missing)), len(missing))
        return len(missing)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, dim) float32, in this order; all of them have been prepared."""
        return self._store.means([_name(text) for text in texts])[:, 0]

    def _write(self, encoder: TextEncoder, named: dict[str, str]) -> None:
        """Another process may write the same texts meanwhile: what both write is equal, and one of it is read."""
        values = _checked(encoder.encode(list(named.values())), len(named), self._card)
        none = np.zeros((1, self._card.dim), np.float32)
        rows = zip(named, values, strict=True)
        features = [UtteranceFeatures(name, 1, value[None], none, {}) for name, value in rows]
        claim = self._store.claim(uuid.uuid4().hex)
        if claim is not None:
            with claim:
                self._store.write(claim, features)


def _key(card: TextCard) -> StoreKey:
    return StoreKey(
        corpus="texts",
        corpus_sha256="",
        upstream=card.name,
        weights_sha256=weights.checksum(card),
        code_version=registry.code_version(registry.load("texts", card.family)),
        layers=1,
        dim=card.dim,
        preprocessing={},
        options=dict(card.options),
    )


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _checked(values: NDArray[np.float32], texts: int, card: TextCard) -> NDArray[np.float32]:
    if values.shape != (texts, card.dim) or not np.isfinite(values).all():
        raise CheckError(
            f"the text encoder {card.name} does not give the vectors that its card promises",
            got=f"shape {values.shape}{'' if np.isfinite(values).all() else ', not all numbers'}",
            wanted=f"({texts}, {card.dim}) finite numbers",
            next_step="correct dim on the card, or the encoder",
        )
    return values
