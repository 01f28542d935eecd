"""Where a stage is worked on: the rules of `harness.scale`, without starting a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace

from harness.config import ScaleConfig
from harness.scale import Needs, asked_for, threads_of, workers_here

SMALL_S = 30.0
"""A stage that is done sooner stays in the process that was started."""


@dataclass(frozen=True, kw_only=True)
class Placing:
    """Cells at a time, and cores of each."""

    workers: int
    threads: int
    here: bool
    """In the process itself: no worker is started."""

    def said(self) -> str:
        """As the plan has it."""
        cores = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"this process, {cores}" if self.here else f"{self.workers} workers of {cores}"


def placing(
    settings: ScaleConfig,
    *,
    cells: int,
    whole_stage: int,
    needs_gib: float,
    expected_s: float,
    gpus: float = 0.0,
) -> Placing:
    """Where a stage of so many cells is worked on.

    Args:
        settings: of the run.
        cells: still to be done.
        whole_stage: cells of the stage, those that are done included.
        needs_gib: memory of a cell.
        expected_s: how long the stage takes in this process.
        gpus: of a cell.
    """
    threads = threads_of(settings, whole_stage)
    needs = Needs(threads=threads, memory_gib=needs_gib, gpus=gpus)
    workers = min(workers_here(settings, needs), max(cells, 1))
    here = workers < 2 or not (asked_for(settings) or expected_s > SMALL_S)
    return Placing(workers=1 if here else workers, threads=threads, here=here)


def makespan(costs: Sequence[float], workers: int) -> float:
    """When the last of these cells is done, each given in its turn to the worker that is free first.

    >>> makespan([3.0, 2.0, 2.0, 1.0], 2)
    4.0
    """
    free = [0.0] * max(min(workers, len(costs)), 1)
    heapify(free)
    for cost in costs:
        heapreplace(free, free[0] + cost)
    return max(free)
