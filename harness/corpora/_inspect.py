"""Measure every sound file of a corpus once, and remember it until the file changes.

A file is known by its path, size and time of change. What was measured is kept in one JSON file per corpus
root in the cache; faults are not kept, so that a mended file is seen even where its time was set back.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness.audio import AudioInfo, inspect
from harness.errors import AudioError
from harness.paths import cache_root, write_text

log = logging.getLogger(__name__)

CACHE_VERSION = 1
"""Raised when `inspect` measures something else."""

Progress = Callable[[int, int], None]
Measured = AudioInfo | AudioError
Stamp = tuple[int, int]
"""Size in bytes and time of change in nanoseconds."""


def inspect_files(root: Path, paths: Sequence[str], progress: Progress | None = None) -> dict[str, Measured]:
    """What is in each file below `root`: its `AudioInfo`, or the `AudioError` that says why there is none.

    Args:
        root: the corpus root.
        paths: relative to it; each is decoded at most once.
        progress: told how many files of how many are done.
    """
    wanted = list(dict.fromkeys(paths))
    stamps = {path: stamp for path in wanted if (stamp := _stamp(root / path)) is not None}
    cache = _cache_file(root)
    remembered = _read_cache(cache)
    found: dict[str, Measured] = {
        path: remembered[path, stamp] for path, stamp in stamps.items() if (path, stamp) in remembered
    }
    fresh = [path for path in wanted if path not in found]
    if progress is not None:
        progress(len(found), len(wanted))
    for path, measured in zip(fresh, _measure(root, fresh), strict=True):
        found[path] = measured
        if progress is not None:
            progress(len(found), len(wanted))
    if fresh:
        _write_cache(cache, {path: (stamps[path], found[path]) for path in wanted if path in stamps})
    return found


def _measure(root: Path, paths: Sequence[str]) -> Any:  # noqa: ANN401 - an iterator of Measured
    """In threads: libsndfile and SHA-256 work outside the interpreter's lock."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        yield from pool.map(lambda path: _inspect_one(root / path), paths)


def _inspect_one(path: Path) -> Measured:
    try:
        return inspect(path)
    except AudioError as fault:
        return fault


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _cache_file(root: Path) -> Path:
    place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return cache_root() / "audio" / f"v{CACHE_VERSION}-{place}.json"


def _read_cache(path: Path) -> dict[tuple[str, Stamp], AudioInfo]:
    """Everything remembered; nothing where the file is absent or damaged: it is only a cache."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {(row[0], (row[1], row[2])): AudioInfo(*row[3:]) for row in rows}
    except (OSError, ValueError, TypeError, IndexError, KeyError):
        return {}


def _write_cache(path: Path, measured: dict[str, tuple[Stamp, Measured]]) -> None:
    rows = [[name, *stamp, *info] for name, (stamp, info) in measured.items() if isinstance(info, AudioInfo)]
    try:
        write_text(path, json.dumps(rows))
    except OSError as fault:
        log.warning(
            "what was measured cannot be kept in %s (%s); it is measured again next time", path, fault
        )
