"""Run cells in fresh processes, variants in turn, and put repetitions together."""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from benchmarks._cell import Cell, Measured, Values, joined

ROOT = Path(__file__).resolve().parent.parent
_ANSWER_BYTES = 1 << 20


class CellError(Exception):
    """A measurement that did not come to its end; the message says why, for the report."""


def interleaved(cells: Sequence[Cell], repetitions: int) -> Iterator[tuple[int, Cell]]:
    """All variants once, then all of them again, and so on: a disturbance meets neighbours, not one variant.

    >>> a, b = (Cell(name=name, target="") for name in "ab")
    >>> [(number, cell.name) for number, cell in interleaved([a, b], 2)]
    [(0, 'a'), (0, 'b'), (1, 'a'), (1, 'b')]
    """
    for number in range(repetitions):
        for cell in cells:
            if cell.repetitions is None or number < cell.repetitions:
                yield number, cell


def measure(
    cells: Sequence[Cell],
    repetitions: int,
    told: Callable[[Cell, int, Values], None],
    environment: dict[str, str],
) -> Measured:
    """Every repetition of every cell; `told` hears of each. One that failed once is not tried again."""
    found: dict[str, list[Values]] = {cell.name: [] for cell in cells}
    for number, cell in interleaved(cells, repetitions):
        if any("failed" in values for values in found[cell.name]):
            continue
        try:
            values = run_cell(cell, environment, number)
        except CellError as fault:
            values = {"failed": str(fault)}
        found[cell.name].append(values)
        told(cell, number, values)
    return found


def run_cell(cell: Cell, environment: dict[str, str], repetition: int = 0) -> Values:
    """One repetition: its processes prepare, and begin together when the last one is ready.

    Raises:
        CellError: a process failed, or the limit is over.
    """
    deadline = time.monotonic() + cell.limit_s
    children = [_Child(cell, share, repetition, environment) for share in range(cell.processes)]
    try:
        for child in children:
            child.answer(deadline)
        for child in children:
            child.tell("go")
        results = [cast(Values, json.loads(child.answer(deadline))) for child in children]
    finally:
        for child in children:
            child.end()
    return {**joined(results), "threads": cell.threads, "processes": cell.processes}


class _Child:
    """A fresh process and the line to it."""

    def __init__(self, cell: Cell, share: int, repetition: int, environment: dict[str, str]) -> None:
        self._cell = cell
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed in `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks._child"],
            cwd=ROOT,
            env=os.environ | environment | _thread_settings(cell.threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        own = {"repetition": repetition, "threads": cell.threads, "share": share, "shares": cell.processes}
        self.tell(json.dumps({"target": cell.target, "settings": cell.settings | own}))

    def tell(self, line: str) -> None:
        """Say a line; a process that is gone hears nothing, and `answer` says why."""
        stream = cast(IO[bytes], self._process.stdin)
        try:
            stream.write(f"{line}\n".encode())
            stream.flush()
        except BrokenPipeError:
            return

    def answer(self, deadline: float) -> str:
        """The next whole line."""
        stream, heard = cast(IO[bytes], self._process.stdout), b""
        while not heard.endswith(b"\n"):
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([stream], [], [], left_s)[0]:
                raise CellError(f"not done in {self._cell.limit_s:.0f} s")
            some = os.read(stream.fileno(), _ANSWER_BYTES)
            if not some:
                raise CellError(self._last_words())
            heard += some
        return heard.decode()

    def _last_words(self) -> str:
        code = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else f"ended with code {code}"

    def end(self) -> None:
        """Close the line; a process that does not leave is killed."""
        cast(IO[bytes], self._process.stdin).close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        cast(IO[bytes], self._process.stdout).close()
        self._log.close()


def _thread_settings(threads: int) -> dict[str, str]:
    """Waiting threads sleep, as under `python -m harness`; the same for ours and theirs."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {**dict.fromkeys(names, str(threads)), "OMP_WAIT_POLICY": "PASSIVE"}


def done(measured: Measured, name: str) -> list[Values]:
    """The repetitions of a cell that came to their end."""
    return [values for values in measured.get(name, []) if "failed" not in values]


def failure(measured: Measured, name: str) -> str:
    """Why a cell has no figures; empty where it has some."""
    reasons = [str(values["failed"]) for values in measured.get(name, []) if "failed" in values]
    return "" if done(measured, name) else (reasons or ["not measured"])[0]


def median(measured: Measured, name: str, of: Callable[[Values], float]) -> float:
    """Over the repetitions of a cell."""
    return statistics.median(of(values) for values in done(measured, name))


def ratios(measured: Measured, one: str, other: str, of: Callable[[Values], float]) -> list[float]:
    """`one` divided by `other`, repetition by repetition: both met the same load."""
    return [of(a) / of(b) for a, b in zip(done(measured, one), done(measured, other), strict=False)]


def spread(values: Iterable[float], form: str = "{:.2f}") -> str:
    """A median, and the range of the repetitions where there are several.

    >>> spread([3.0, 1.0, 2.0])
    '2.00 (1.00 to 3.00)'
    """
    ordered = sorted(values)
    if not ordered:
        return "-"
    middle = form.format(statistics.median(ordered))
    if len(ordered) == 1:
        return middle
    return f"{middle} ({form.format(ordered[0])} to {form.format(ordered[-1])})"
