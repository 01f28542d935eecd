"""Progress with time left: a bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[float, float], None]
"""Told how much is done and how much there is, in any unit."""

_LOG = logging.getLogger("harness")
_LINE_EVERY_S = 15.0


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """Show how far a phase is. The bar appears on a terminal; a log gets a line every 15 seconds.

    Time left is measured from the first report on, because what comes before it (loading a model) comes once.
    """
    if sys.stderr.isatty():
        with _bar(title) as advance:
            yield advance
    else:
        yield _lines(title)


@contextmanager
def _bar(title: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(title, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _lines(title: str) -> Advance:
    first = last = time.monotonic()
    first_done: float | None = None

    def advance(done: float, total: float) -> None:
        nonlocal first, first_done, last
        now = time.monotonic()
        if first_done is None:
            first, first_done = now, done
        elif now - last >= _LINE_EVERY_S and first_done < done <= total:
            last = now
            left_s = (now - first) * (total - done) / (done - first_done)
            _LOG.info("%s: %.0f %%, about %s left", title, 100 * done / total, _clock_face(left_s))

    return advance


def _clock_face(seconds: float) -> str:
    """Seconds as h:mm:ss.

    >>> _clock_face(3725.4)
    '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
