"""The name of a store: a hash of everything that shaped the features in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, fields

from harness.errors import StoreError

FORMAT = 1
"""Raise it when the files of a store change their meaning; older stores are then left alone."""
FRAME_DTYPES = ("float32", "float16")
NAME_DIGITS = 24


@dataclass(frozen=True, kw_only=True)
class StoreKey:
    """What shaped the features of a store. Two runs share a store exactly if all of this is equal.

    Raises:
        StoreError: a value that JSON cannot hold, an unknown dtype, or sizes below one.
    """

    corpus: str
    corpus_sha256: str
    """Hash of the corpus' content (ids and samples), not of the ids of one run: stores grow over time."""
    upstream: str
    weights_sha256: str
    """Checksum or pinned revision of the weights; a plain remark where a family has none."""
    code_version: str
    """Version of the code that computes the features."""
    layers: int
    dim: int
    preprocessing: Mapping[str, object]
    """Sample rate, normalisation, and whatever else is done to a wave before the upstream sees it."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Options of the card that shape the output."""
    calibration: Mapping[str, float] = field(default_factory=dict)
    """What a calibrated upstream took from the training part of a fold; empty for all others."""
    dtype: str = "float32"
    """Of the stored frames: `float32` or `float16`. Means and deviations are always float32."""

    def __post_init__(self) -> None:
        if self.dtype not in FRAME_DTYPES:
            raise StoreError("frames cannot be stored so", got=self.dtype, wanted=" or ".join(FRAME_DTYPES))
        if self.layers < 1 or self.dim < 1:
            got = f"layers={self.layers}, dim={self.dim}"
            raise StoreError("a store needs the sizes of the features", got=got, wanted="both at least 1")
        self.json()

    def json(self) -> str:
        """The key as readable JSON, keys sorted, so that equal keys are equal texts."""
        facts = {item.name: getattr(self, item.name) for item in fields(self)}
        try:
            return json.dumps(
                {"format": FORMAT, **facts}, sort_keys=True, indent=1, allow_nan=False, default=_plain
            )
        except (TypeError, ValueError) as error:
            raise StoreError(
                "the key of a store holds a value that cannot be written down",
                got=str(error),
                wanted="numbers, texts, lists and mappings of them, no NaN",
                next_step=f"look at preprocessing, options and calibration of {self.upstream}",
            ) from error

    def name(self) -> str:
        """The first 24 hex digits of the SHA-256 of the JSON text."""
        return hashlib.sha256(self.json().encode()).hexdigest()[:NAME_DIGITS]


def _plain(value: object) -> object:
    """Containers that the json module does not know, as those that it does."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} {value!r}")
