"""How long a head trains here: its own `fit`, on made-up features of the true shape, until the time is up."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts import Fold
from harness.forecast._made_up import Lesson, part_of, table_of
from harness.forecast._together import Meeting, import_libraries, together

if TYPE_CHECKING:
    from harness.fit import FoldViews
    from harness.study import Plugin, Study

BUDGET_S = 4.0
"""Of training, when the first share is done."""
FEWEST_REPORTS = 3
"""The first epoch of a process lays out memory; the pace is that of the next ones."""
PATIENCE_S = 60.0
"""For a head that says nothing of its progress."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Of one training."""

    training_s: float
    """From the first step to the last; the prediction of the tested part too, where it came to that."""
    once_s: float
    """What only the first training of a process takes: libraries are imported, memory is laid out."""
    share: float
    """Of a training that was really done."""
    start_s: float
    """Until a new process has imported what it needs."""
    views_s: float
    """To hand out the three parts of a fold."""

    @property
    def known(self) -> bool:
        """Whether the head said anything of its progress in time."""
        return self.share > 0


class _TimeIsUp(Exception):  # noqa: N818  it is no error
    """Raised by the progress callback, to leave a training that has shown its pace."""


def lesson_of(
    study: Study, fold: Fold, *, layers: int, dim: int, threads: int, frames: Mapping[str, int]
) -> Lesson:
    """The training of one fold, as a process can be told of it."""
    parts = {"train": fold.train, "dev": fold.dev or (), "test": fold.test}
    return Lesson(
        head=study.config.head,
        needs=study.head.module.NEEDS,
        kind=study.examples.kind,
        classes=tuple(study.examples.classes),
        select=study.folds.select,
        seed=study.config.seeds[0],
        threads=threads,
        layers=layers,
        dim=dim,
        parts={name: tuple(study.by_id(ids)) for name, ids in parts.items()},
        frames=frames,
    )


def measure_training(lesson: Lesson, workers: int) -> Pace:
    """Train for some seconds in as many processes as the run will use; the slowest counts.

    Raises:
        HarnessError: what the head itself refuses.
    """
    return max(together(_measured, lesson, workers), key=lambda pace: pace.training_s)


def _measured(lesson: Lesson, number: int, meeting: Meeting, sent: float) -> Pace:
    """In a process of its own."""
    from harness.fit import FoldViews
    from harness.scale import limited
    from harness.study import plugin

    import_libraries()
    head = plugin("downstreams", lesson.head)
    begun = time.time()
    with limited(lesson.threads), table_of(lesson) as table:
        start = time.perf_counter()
        parts = {name: part_of(lesson, table, name) for name in lesson.parts}
        dev = parts["dev"] if lesson.parts["dev"] else None
        views = FoldViews(train=parts["train"], dev=dev, test=parts["test"])
        views_s = time.perf_counter() - start
        meeting.join(number)
        watch, once_s = _paced(lesson, head, views)
    return Pace(
        training_s=watch.whole_s(), once_s=once_s, share=watch.share, start_s=begun - sent, views_s=views_s
    )


class _Watch:
    """Takes the shares that a head reports, and ends its training when the time is up."""

    def __init__(self, budget_s: float) -> None:
        self._start, self._budget_s = time.perf_counter(), budget_s
        self._reports: list[tuple[float, float]] = []
        self.finished_s: float | None = None
        """Of a training that came to its end."""

    def __call__(self, share: float) -> None:
        """A head's report.

        Raises:
            _TimeIsUp: enough is known.
        """
        self._reports.append((self.passed_s, share))
        if self.passed_s > self._budget_s and len(self._reports) >= FEWEST_REPORTS and share < 1:
            raise _TimeIsUp

    @property
    def passed_s(self) -> float:
        """Since the training began."""
        return time.perf_counter() - self._start

    @property
    def share(self) -> float:
        """Of the training that was done."""
        return 1.0 if self.finished_s is not None else max((share for _, share in self._reports), default=0.0)

    def whole_s(self) -> float:
        """Of a whole training: the time between the first report and the last, for all of it."""
        if self.finished_s is not None or not self._reports:
            return self.finished_s or self.passed_s
        (first_s, first), (last_s, last) = self._reports[0], self._reports[-1]
        return (last_s - first_s) / (last - first) if last > first else first_s / first

    def before_s(self) -> float:
        """What came before the first report beyond its share."""
        if self.finished_s is not None or not self._reports:
            return 0.0
        first_s, first = self._reports[0]
        return max(0.0, first_s - first * self.whole_s())


def _timed(lesson: Lesson, head: Plugin, views: FoldViews, budget_s: float) -> _Watch:
    """One training, left where the time is up; the prediction is timed where it was not."""
    from harness.fit import fit

    watch = _Watch(budget_s)
    with suppress(_TimeIsUp), _patience():
        fitted = fit(
            head.module,
            head.settings,
            views,
            classes=len(lesson.classes),
            select=lesson.select,
            seed=lesson.seed,
            progress=watch,
        )
        fitted.head.predict(views.test.view)
        watch.finished_s = watch.passed_s
    return watch


def _paced(lesson: Lesson, head: Plugin, views: FoldViews) -> tuple[_Watch, float]:
    """The training that shows the pace, and what the first one took beyond that.

    A short one is done again: its first run imports what the head needs.
    """
    first = _timed(lesson, head, views, BUDGET_S)
    if first.finished_s is None:
        return first, first.before_s()
    again = _timed(lesson, head, views, BUDGET_S)
    return again, max(0.0, first.finished_s - again.whole_s())


@contextmanager
def _patience() -> Iterator[None]:
    """End what goes on for a minute without a word, where the system can."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def wake(signum: int, frame: object) -> None:
        del signum, frame
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, wake)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
