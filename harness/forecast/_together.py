"""Short measurements in fresh processes, as many at once as a run uses: they share clock and memory bandwidth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar

from harness.errors import ScaleError

T = TypeVar("T")
R = TypeVar("R")
_LONGEST_WAIT_S = 120.0
_POLL_S = 0.02


class Meeting(NamedTuple):
    """Where processes wait for each other, so that they compute at the same time."""

    folder: str
    size: int

    def join(self, number: int) -> None:
        """Return when all have come, or after two minutes: then one of them has failed and says so itself."""
        place = Path(self.folder)
        (place / f"{number}.here").touch()
        until = time.monotonic() + _LONGEST_WAIT_S
        while len(list(place.glob("*.here"))) < self.size and time.monotonic() < until:
            time.sleep(_POLL_S)


def together(work: Callable[[T, int, Meeting, float], R], task: T, workers: int) -> list[R]:
    """The same work in so many new processes at once.

    Args:
        work: a module's function of the task, the process' number, the meeting and the time it was sent.
        task: what travels to the processes.
        workers: how many.

    Raises:
        HarnessError: what the work raises.
    """
    with (
        TemporaryDirectory(prefix="emoharness-plan-") as folder,
        ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
    ):
        meeting = Meeting(folder, workers)
        coming = [pool.submit(work, task, number, meeting, time.time()) for number in range(workers)]
        try:
            return [future.result() for future in coming]
        except BrokenProcessPool as fault:
            raise _lost(workers) from fault


def _lost(workers: int) -> ScaleError:
    return ScaleError(
        "a measuring process was lost, most likely for want of memory",
        got=f"{workers} at once",
        wanted="processes that live for some seconds; a run would lose its workers too",
        next_step="lower scale.workers, or measure=false to plan by the card alone",
    )


def import_libraries() -> None:
    """What a run has imported before it extracts or trains."""
    import pandas  # noqa: F401
    import torch  # noqa: F401

    import harness.scale  # noqa: F401


def spread(items: Sequence[T], count: int, number: int = 0, of: int = 1) -> list[T]:
    """So many of the sorted items at even distances, the ones of process `number` of `of` between the others'.

    >>> spread(range(10), 5)
    [1, 3, 5, 7, 9]
    >>> spread(range(8), 2, 0, 2), spread(range(8), 2, 1, 2)
    ([1, 5], [3, 7])
    """
    share = (number + 0.5) / of
    count = min(count, len(items))
    return [items[min(int((place + share) * len(items) / count), len(items) - 1)] for place in range(count)]
