"""What hand-made features do with a checkpoint: refuse it, because a setting that does nothing misleads."""

from __future__ import annotations

from pathlib import Path

from harness.contracts import Card
from harness.errors import ConfigError


def refuse_weights(card: Card, weights: Path | None) -> None:
    """Raises ConfigError where a path is given to features that are computed, not learnt."""
    if weights is not None:
        raise ConfigError(
            f"{card.name} has no weights to load",
            got=str(weights),
            wanted="no upstream.path, and no folder of that name in EMOHARNESS_WEIGHTS",
            next_step="leave upstream.path out",
        )
