"""Who writes what: a lock per piece of work, which the system drops when its owner dies, `kill -9` included."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout


@dataclass(frozen=True)
class Claim:
    """The sole right to write one piece of work, and a folder to write it in."""

    lock: FileLock
    scratch: Path

    def release(self) -> None:
        """Give the right back, once; what was not published is thrown away.

        The lock's file goes while the lock is still held: who waited for it finds the work done or undone, and
        claims anew.
        """
        if not self.lock.is_locked:
            return
        shutil.rmtree(self.scratch, ignore_errors=True)
        with suppress(OSError):
            Path(self.lock.lock_file).unlink()
        self.lock.release()

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def take(work: Path, name: str) -> Claim | None:
    """Claim the work called `name`; None where someone alive holds it. Never waits."""
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / f"{name}.lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return Claim(lock, work / name)


def emptied(folder: Path) -> Path:
    """The folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def sweep(work: Path) -> None:
    """Remove what dead writers left behind; the work of living ones is locked and stays."""
    if not work.is_dir():
        return
    for name in {entry.name.removesuffix(".lock") for entry in work.iterdir()}:
        claim = take(work, name)
        if claim is not None:
            claim.release()
