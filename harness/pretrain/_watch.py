"""What a run tells while it goes on: its history on disk, a line in the log, curves in MLflow."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from harness.pretrain._history import History
from harness.progress import Advance
from harness.track import Curves

_LOG = logging.getLogger("harness")
LINE_EVERY_S = 10.0


class Watch:
    """See `harness.pretrain._train.Watcher`; rows go to MLflow once the run cannot fall behind them."""

    def __init__(
        self, history: History, curves: Curves | None, progress: Advance, keep: Callable[[int], None]
    ) -> None:
        self._history, self._curves, self._progress, self._keep = history, curves, progress, keep
        self._waiting: list[Mapping[str, float]] = []
        self._said = -LINE_EVERY_S

    def row(self, figures: Mapping[str, float]) -> None:
        """Keep a row, and say it if the last one is a while ago."""
        self._history.add(figures)
        self._waiting.append(figures)
        if time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            _LOG.info(line(figures))

    def saved(self, _: int) -> None:
        """Hand over what can no longer be undone."""
        if self._curves is not None:
            self._curves.add(self._waiting)
        self._waiting = []

    def milestone(self, updates: int) -> None:
        """Keep the model as it is now."""
        self._keep(updates)

    def advance(self, done: float, total: float) -> None:
        """Share done and time left."""
        self._progress(done, total)


class Silent:
    """The watcher of the processes that do not lead."""

    def row(self, figures: Mapping[str, float]) -> None:
        """Nothing."""

    def saved(self, updates: int) -> None:
        """Nothing."""

    def milestone(self, updates: int) -> None:
        """Nothing."""

    def advance(self, done: float, total: float) -> None:
        """Nothing."""


def line(figures: Mapping[str, float]) -> str:
    """A row in words.

    >>> line({"update": 20.0, "epoch": 1.25, "lr": 5e-4, "frame_loss": 7.5, "audio_s_per_s": 31.0})
    'update 20, epoch 1.2: frame loss 7.5, lr 0.0005; 31 s of audio per second'
    """
    named = ("frame_loss", "utterance_loss", "utterance_target_rms", "target_std", "prediction_std", "lr")
    said = ", ".join(f"{name.replace('_', ' ')} {figures[name]:.4g}" for name in named if name in figures)
    return (
        f"update {figures['update']:.0f}, epoch {figures['epoch']:.1f}: {said}; "
        f"{figures['audio_s_per_s']:.3g} s of audio per second"
    )
