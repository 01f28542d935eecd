"""One GPU for each process of a machine: taken by a lock, which a killed process gives back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Gpus:
    """GPUs to be shared out."""

    folder: Path
    """Of the locks: on a disk of this machine."""
    names: tuple[str, ...]
    """As CUDA is told of them, each as often as cells fit on it."""

    def take(self) -> None:
        """Let this process see one of them, the same for all its cells."""
        os.environ[VISIBLE] = _taken(self)


@cache
def _taken(gpus: Gpus) -> str:
    """The first that no living process holds; the locks stay held as long as the process lives."""
    for place, name in enumerate(gpus.names):
        lock = FileLock(gpus.folder / f"gpu{place}.lock", thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        _held(lock)
        return name
    return gpus.names[0]


@cache
def _held(lock: FileLock) -> FileLock:
    """Keeps a lock from being collected, and so from being given back."""
    return lock


def names_here(each: float) -> tuple[str, ...]:
    """The GPUs that this process sees, one after the other, each as often as a share of it fits.

    >>> names_here(0)
    ()
    """
    if each <= 0:
        return ()
    import torch

    count = torch.cuda.device_count()
    said = [name for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    names = said[:count] if len(said) >= count else [str(place) for place in range(count)]
    return tuple(names * max(1, int(1 // each)))
