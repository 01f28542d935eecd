"""Cells through joblib, round after round until none is left: only what lost its worker is given out again."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from harness.config import ScaleConfig
from harness.errors import ScaleError
from harness.progress import Advance
from harness.scale._check import backend
from harness.scale._job import Job, Lost, Outcome, Packed, forwarded
from harness.scale._needs import Needs
from harness.scale._workers import Workers

C = TypeVar("C")
R = TypeVar("R")
S = TypeVar("S")
_LOG = logging.getLogger("harness")
NAMED = 5
"""Cells that an error lists."""


def run_cells(
    cells: Sequence[C],
    work: Callable[[S, C], R],
    shared: S,
    *,
    settings: ScaleConfig,
    needs: Needs,
    done: Callable[[C], bool],
    size: Callable[[C], float] = lambda _: 1.0,
    progress: Advance | None = None,
) -> list[R]:
    """Work on every cell, wherever the settings say, and return what was said of them, in no order.

    A cell leaves its result on disk. A lost worker (killed, out of memory, its machine gone) costs a new round
    over the cells that are not there yet.

    Args:
        cells: independent of each other; `str(cell)` names one in messages.
        work: a function of a module, called in a worker as `work(shared, cell)`.
        shared: what all cells need, sent to each worker once and kept there from cell to cell.
        settings: where, with how many workers, and how many rounds more.
        needs: of one cell.
        done: whether a cell's result is on disk; asked of cells whose worker was lost.
        size: of a cell, for the time left.
        progress: told how much is done, and how much there is.

    Raises:
        ScaleError: no workers, or cells whose workers were lost again and again.
        HarnessError: what the work raises; it is not tried again, and finished cells are kept.
    """
    with backend(settings.name).opened(settings, needs) as workers:
        packed = Packed.of(shared, workers.share)
        job = Job(work, packed.token, needs.threads, Path.cwd(), forwarded(), workers.gpus)
        rounds = _Rounds(
            left=list(cells), job=job, packed=packed, workers=workers, size=size, progress=progress
        )
        for attempt in range(settings.retries + 1):
            rounds.next()
            rounds.left = [cell for cell in rounds.left if not done(cell)]
            if not rounds.left:
                return rounds.said
            _LOG.warning(
                "%d cell(s) lost their worker (%s), round %d of %d",
                len(rounds.left), rounds.reason, attempt + 1, settings.retries + 1,
            )  # fmt: skip
    raise _given_up(rounds.left, rounds.reason, settings.retries + 1)


@dataclass(kw_only=True)
class _Rounds:
    """What is left of a stage."""

    left: list[Any]
    """Cells; None for one that has been answered for in this round."""
    job: Job
    packed: Packed
    workers: Workers
    size: Callable[[Any], float]
    progress: Advance | None
    said: list[Any] = field(default_factory=list)
    reason: str = ""
    """Why a worker was lost, last."""

    def __post_init__(self) -> None:
        self._total = sum(map(self.size, self.left))

    def next(self) -> None:
        """Give out every cell that is left; those that nobody answers for stay."""
        self.tell()
        try:
            with closing(self._outcomes(self.left)) as outcomes:
                for outcome in outcomes:
                    self._take(outcome)
        except self.workers.lost as error:
            self.reason = Lost.by(error).reason
        self.left = [cell for cell in self.left if cell is not None]

    def _outcomes(self, cells: list[Any]) -> Generator[Outcome | Lost, None, None]:
        from joblib import delayed

        call = delayed(self.job)
        handed = self.packed.content
        with _quiet():
            given = [call(number, cell, handed) for number, cell in enumerate(cells)]
            yield from self.workers.parallel(len(cells))(given)

    def _take(self, outcome: Outcome | Lost) -> None:
        if isinstance(outcome, Lost):
            self.reason = outcome.reason
            return
        if outcome.error is not None:
            raise outcome.error
        self.said.append(outcome.value)
        self.left[outcome.number] = None
        self.tell()

    def tell(self) -> None:
        if self.progress is not None:
            left = sum(self.size(cell) for cell in self.left if cell is not None)
            self.progress(self._total - left, self._total)


@contextmanager
def _quiet() -> Iterator[None]:
    """Where a round is broken off on purpose, joblib's remarks on results that nobody wanted say nothing new."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*tasks (have been successfully|which were still).*")
        yield


def _given_up(cells: Sequence[Any], reason: str, rounds: int) -> ScaleError:
    named = ", ".join(str(cell) for cell in cells[:NAMED]) + (", ..." if len(cells) > NAMED else "")
    return ScaleError(
        f"{len(cells)} cell(s) lost their worker in each of {rounds} rounds",
        got=f"{named}: {reason}",
        wanted="workers that live as long as a cell takes",
        next_step="look at the memory of the machines (scale.memory_gib=, fewer scale.workers=) and give the "
        "same command again: finished cells are kept",
    )
