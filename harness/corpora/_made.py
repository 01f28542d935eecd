"""Corpora that the program makes itself: their folder appears in the cache whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.errors import CorpusError


def made_once(root: Path, index: str, write: Callable[[Path], None], megabytes: int) -> Path:
    """Have a folder written unless it is there, also where two processes ask at once, and return it.

    Args:
        root: the folder.
        index: a file in it that `write` makes; where it is, the folder is whole.
        write: fills an empty folder.
        megabytes: how much room it needs.

    Raises:
        CorpusError: the folder cannot be written.
    """
    if (root / index).is_file():
        return root
    try:
        _make(root, index, write)
    except (OSError, RuntimeError) as fault:  # soundfile reports a full disk as a RuntimeError
        raise CorpusError(
            "the SYNTHETIC voices cannot be written to the cache",
            got=f"{root}: {fault}",
            wanted=f"a folder that can be written, with {megabytes} MB free",
            next_step="set the environment variable EMOHARNESS_CACHE to such a folder",
        ) from fault
    return root


def _make(root: Path, index: str, write: Callable[[Path], None]) -> None:
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        dir=root.parent, prefix=".SYNTHETIC_", ignore_cleanup_errors=True
    ) as name:
        beside = Path(name) / "voices"
        write(beside)
        try:
            beside.rename(root)
        except OSError:
            if not (root / index).is_file():
                shutil.rmtree(root)
                beside.rename(root)
