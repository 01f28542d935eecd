"""Is there room? Asked before anything is written."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.fetch._errors import FetchError


def in_units(size_bytes: float) -> str:
    """A size for people, in decimal units as download pages give it.

    >>> in_units(208_468_073)
    '208.5 MB'
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes:.0f} bytes"


def free_bytes(folder: Path) -> int:
    """Free space where `folder` lies or will lie."""
    there = next(place for place in (folder, *folder.resolve().parents) if place.is_dir())
    return shutil.disk_usage(there).free


def require_room(folder: Path, needed_bytes: int, purpose: str) -> None:
    """Stop unless so much can be written below `folder`.

    Raises:
        FetchError: there is less free space.
    """
    free = free_bytes(folder)
    if needed_bytes > free:
        raise FetchError(
            f"there is no room to {purpose}",
            got=f"{in_units(free)} free at {folder}",
            wanted=in_units(needed_bytes),
            next_step="make room, or choose another disk with to=DIR",
        )
