"""What the file system refuses, and what is no longer whole, told as errors of the store."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import StoreError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MIB = 1 << 20


@contextmanager
def explained(path: Path, wanted_bytes: int = 0) -> Iterator[None]:
    """Turn a refusal of the file system inside the block into a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise refusal(error, path, wanted_bytes) from error


def refusal(error: OSError, path: Path, wanted_bytes: int = 0) -> StoreError:
    """What a file system has refused, as an error of the store."""
    if error.errno in FULL:
        return StoreError(
            f"no room for features in {path}",
            got=f"{_free(path)} free ({error.strerror})",
            wanted=f"{wanted_bytes / MIB:.1f} MiB for the next shard",
            next_step="make room there or set EMOHARNESS_CACHE to another disk; what is stored so far is kept",
        )
    return StoreError(
        f"the feature store at {path} cannot be written or read",
        got=str(error),
        wanted="a folder that this user may read and write",
        next_step="correct its permissions or set EMOHARNESS_CACHE to another folder",
    )


def _free(path: Path) -> str:
    """Free space on the disk that holds `path`, asked of the nearest folder that exists."""
    home = next((folder for folder in (path, *path.parents) if folder.is_dir()), Path(os.sep))
    return f"{shutil.disk_usage(home).free / MIB:.1f} MiB"


def damage(path: Path | str, got: str, wanted: str) -> StoreError:
    """A file of a shard that is not what was once written."""
    return StoreError(
        f"damaged features in {path}",
        got=got,
        wanted=wanted,
        next_step="run the same command again: it extracts this shard anew and keeps all others",
    )
