"""Where a worker says that it is in the middle of something, and waits until it may go on.

The first piece of work of a process passes, so that there is a first result; the second one waits. The folder is
named by a variable that the harness hands on to its workers.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

FOLDER = "EMOHARNESS_TEST_GATE"
PATIENCE_S = 240.0
_PASSED: Counter[str] = Counter()


def come(stage: str, free: int) -> None:
    """Note this arrival; from the arrival after `free` on, wait until the stage is open."""
    folder = Path(os.environ[FOLDER])
    _PASSED[stage] += 1
    with (folder / f"{stage}.log").open("a", encoding="utf-8") as log:
        log.write(f"{os.getpid()}\n")
    if _PASSED[stage] <= free:
        return
    waiting = folder / f"{stage}.{os.getpid()}.waiting"
    until = time.monotonic() + PATIENCE_S
    while not (folder / f"{stage}.open").exists():
        waiting.touch()
        if time.monotonic() > until:
            raise TimeoutError(f"nobody opened {stage}")
        time.sleep(0.02)


def passed(stage: str) -> int:
    """How often this process has come so far."""
    return _PASSED[stage]
