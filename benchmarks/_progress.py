"""How far a benchmark is, and how long it will still take."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence

from benchmarks._cell import Cell, Values
from benchmarks._figure import seconds
from benchmarks._measure import interleaved


class Progress:
    """Says a line after every measurement.

    What a cell will take is what it took before; of those not yet seen, the median of the others is expected.
    """

    def __init__(self, section: str, cells: Sequence[Cell], repetitions: int) -> None:
        self._section = section
        self._waiting = [cell.name for _, cell in interleaved(cells, repetitions)]
        self._total, self._last = len(self._waiting), time.monotonic()
        self._took: dict[str, float] = {}

    def told(self, cell: Cell, number: int, values: Values) -> None:
        """One repetition is over."""
        now = time.monotonic()
        self._took[cell.name], self._last = now - self._last, now
        if cell.name in self._waiting:
            self._waiting.remove(cell.name)
        if "failed" in values:
            self._waiting = [name for name in self._waiting if name != cell.name]
        done = self._total - len(self._waiting)
        said = values.get("failed") or seconds(values["wall_s"])
        left = f"about {seconds(self.left_s())} left" if self._waiting else "done"
        sys.stderr.write(
            f"{self._section} {done}/{self._total}  {cell.name} ({number + 1}): {said}; {left}\n"
        )

    def left_s(self) -> float:
        """Expected for what waits."""
        usual = statistics.median(self._took.values()) if self._took else 0.0
        return sum(self._took.get(name, usual) for name in self._waiting)
