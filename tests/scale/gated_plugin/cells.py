"""Cells that leave a file each, and do whatever a test asks of a worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness.errors import CorpusError

PATIENCE_S = 240.0


class Said(NamedTuple):
    """What a worker says of a cell, and of itself."""

    number: int
    square: int
    pid: int
    threads: int
    """Of torch."""
    blas: tuple[int, ...]
    """Threads of every BLAS and OpenMP that is loaded."""
    cwd: str
    told: str | None
    """A variable that the harness hands on."""


@dataclass
class Toy:
    """What all cells share."""

    folder: Path
    deadly: tuple[int, ...] = ()
    """Cells that kill their worker, every time."""
    faulty: tuple[int, ...] = ()
    """Cells with an error of their own, which comes when the cells before them are done."""
    broken: tuple[int, ...] = ()
    """Cells with a defect."""
    seen: list[int] = field(default_factory=list)

    def work(self, number: int) -> Said:
        self.seen.append(number)
        (self.folder / f"{number}.{os.getpid()}.{len(self.seen)}.begun").touch()
        if number in self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if number in self.faulty:
            self._await_those_before(number)
            raise CorpusError("a bad file", got="noise", wanted="a voice", next_step="listen")
        if number in self.broken:
            raise ZeroDivisionError(f"cell {number}")
        (self.folder / f"{number}.done").write_text(str(number**2))
        return said(number)

    def _await_those_before(self, number: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while not all(map(self.is_done, range(number))) and time.monotonic() < until:
            time.sleep(0.01)

    @property
    def is_done(self) -> Callable[[int], bool]:
        folder = self.folder
        return lambda number: (folder / f"{number}.done").is_file()

    def begun(self, number: int) -> int:
        """How many workers have begun with a cell."""
        return len([*self.folder.glob(f"{number}.*.begun")])


def said(number: int) -> Said:
    import torch
    from threadpoolctl import threadpool_info

    blas = tuple(pool["num_threads"] for pool in threadpool_info())
    told = os.environ.get("EMOHARNESS_TEST_WORD")
    return Said(number, number**2, os.getpid(), torch.get_num_threads(), blas, str(Path.cwd()), told)
