"""Where a checkpoint's weights lie, and a checksum that names them.

Order: `upstream.path=...`, then a sub-folder (by card name) of the folder in `EMOHARNESS_WEIGHTS`, then the
hub.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from harness.contracts import Card, TextCard
from harness.errors import WeightsError

ENVIRONMENT = "EMOHARNESS_WEIGHTS"


def locate(card: Card | TextCard) -> Path | None:
    """The local file or folder of a card's weights; None means the hub, or a family without weights.

    Raises:
        WeightsError: `upstream.path` (or `text.path`) names something that is not there.
    """
    setting = "text.path" if isinstance(card, TextCard) else "upstream.path"
    if card.path is not None:
        path = Path(card.path).expanduser()
        if not path.exists():
            raise WeightsError(
                f"the weights of {card.name} are not where {setting} says",
                got=str(path.absolute()),
                wanted="a folder or file with the checkpoint",
                next_step=f"correct {setting}, or leave it out to load from the hub: {card.hub_id}",
            )
        return path
    shelf = os.environ.get(ENVIRONMENT)
    if shelf and (Path(shelf) / card.name).exists():
        return Path(shelf) / card.name
    return None


def checksum(card: Card | TextCard) -> str:
    """SHA-256 over names and bytes of the local files, or the revision on the hub, or `no weights`."""
    path = locate(card)
    if path is None:
        return f"{card.hub_id}@{card.revision or 'unpinned'}" if card.hub_id else "no weights"
    files = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())
    digest = hashlib.sha256()
    for file in files:
        if not file.name.startswith("."):
            digest.update(file.name.encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
