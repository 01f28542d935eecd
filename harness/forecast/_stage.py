"""What is said of a stage, and how its speed is known."""

from __future__ import annotations

from dataclasses import dataclass

from harness.config import RunConfig
from harness.features import GPU_BATCH_SECONDS
from harness.forecast._lines import Line
from harness.forecast._placing import Placing


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How the speed is known."""

    measure: bool
    rate_tflops: float | None
    """Of one worker; None: measured, or a core's usual rate for each of its threads."""
    device: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is said of a stage."""

    lines: tuple[Line, ...]
    placing: Placing | None
    start_s: float | None = None
    """Of a new process, where one was started."""
    peak_gib: float | None = None
    """Of a worker, where one was measured."""
    note: str = ""


def batch_seconds(config: RunConfig, device: str) -> float | None:
    """Audio in a batch: as asked for, else a minute on a GPU and single utterances on a CPU."""
    return GPU_BATCH_SECONDS if config.batch_seconds is None and device != "cpu" else config.batch_seconds
