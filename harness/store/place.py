"""Which kind of store a place is: a folder, on a network file system too, or an address that fsspec knows."""

from __future__ import annotations

from pathlib import Path

from harness.store.features import Store
from harness.store.key import StoreKey
from harness.store.mirror import folder_of, is_address
from harness.store.mirrored import MirroredStore


def open_store(place: str | Path, key: StoreKey) -> Store:
    """The store of a key at a place; cheap, so that a worker is told place and key and opens it itself.

    Args:
        place: a folder, or an fsspec address such as `s3://bucket/prefix` or `gs://bucket/prefix`.
        key: everything that shaped the features.

    Raises:
        StoreError: the place cannot be read or reached.
    """
    if isinstance(place, str) and is_address(place):
        return MirroredStore(place, key)
    return Store(place if isinstance(place, Path) else folder_of(place), key)
