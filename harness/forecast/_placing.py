"""Where a stage is worked on: the rules of `harness.scale`, without starting a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace

from harness.config import ScaleConfig
from harness.features import SMALL_S
from harness.scale import Needs, asked_for, workers_here


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
    settings: ScaleConfig, needs: Needs, *, cells: int, expected_s: float, stays: bool = False
) -> Placing:
    """Where a stage of so many cells is worked on.

    Args:
        settings: of the run.
        needs: of a cell.
        cells: still to be done.
        expected_s: how long the stage takes in this process.
        stays: it cannot be handed to workers.
    """
    workers = min(workers_here(settings, needs), max(cells, 1))
    worth_it = asked_for(settings) or (workers > 1 and expected_s > SMALL_S)
    here = stays or settings.workers == 1 or not worth_it
    return Placing(workers=1 if here else workers, threads=needs.threads, here=here)


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
