"""The checkpoint that a run starts from: where it lies, and what it was itself trained on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from harness import config, parts, weights
from harness.errors import WeightsError
from harness.pretrain._config import Start


class Origin(NamedTuple):
    """Where the weights of a run come from."""

    path: Path | None
    """None: a cold start."""
    trained_on: tuple[str, ...]
    identity: dict[str, Any]
    """Name and checksum; without a place."""


def origin(start: Start) -> Origin:
    """Find the checkpoint.

    A checkpoint without a card is known by the `card.yaml` beside it, as this program writes one; else what it was
    trained on is unknown, and the new card says so.

    Raises:
        UnknownNameError: there is no such card.
        WeightsError: the checkpoint is not there.
    """
    if start.card is None and start.path is None:
        return Origin(None, (), {"start": "cold"})
    path = _located(start)
    digest = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(item for item in path.iterdir() if item.is_file()):
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return Origin(
        path, _trained_on(start, path), {"start": start.card or path.name, "sha256": digest.hexdigest()}
    )


def _located(start: Start) -> Path:
    if start.path is not None:
        found = Path(start.path).expanduser()
        known: Path | None = found if found.exists() else None
    else:
        card = config.card_named(str(start.card))
        known = weights.locate(card)
    if known is None:
        raise WeightsError(
            "the checkpoint to start from is not here",
            got=f"init.card={start.card}, init.path={start.path}",
            wanted="a file, or a folder called like the card below the folder that EMOHARNESS_WEIGHTS names",
            next_step="set init.path=FILE, or init.card=null for a cold start",
        )
    return known


def _trained_on(start: Start, path: Path) -> tuple[str, ...]:
    if start.card is not None:
        return config.card_named(start.card).trained_on
    beside = (path if path.is_dir() else path.parent) / "card.yaml"
    if beside.is_file():
        return tuple(parts.read_yaml(beside).get("trained_on") or ())
    return (f"unknown ({path.name})",)
