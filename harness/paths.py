"""Where things are kept: the cache, the results, and how a file is written so that it is whole or absent."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def cache_root() -> Path:
    """The folder of everything that can be made again: `EMOHARNESS_CACHE`, else the user's cache folder."""
    named = os.environ.get("EMOHARNESS_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "emoharness"


def own_recipes() -> Path:
    """The folder of YAML that the program writes for its user: the cards of models that were pre-trained here."""
    return cache_root() / "recipes"


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; it takes the final name only if the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all."""
    with written_beside(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_unused(paths: Iterable[Path], unused_s: float) -> None:
    """Remove files and folders that have not been touched for so long; what cannot be removed stays."""
    for path in paths:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime <= unused_s:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
