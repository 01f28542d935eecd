"""The fresh process of one measurement: prepare, say so, wait for the word, work, tell the figures.

Reads two lines (a JSON request; then anything, the word to begin) and writes two (`ready`, JSON figures). What
libraries print goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import TextIO, cast

from benchmarks._cell import Afterwards, Values, Work
from benchmarks._memory import PeakMemory


def _own_output() -> TextIO:
    """Standard output for the figures alone."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "w", encoding="utf-8")


def _prepared(request: Values) -> Work:
    module, _, function = request["target"].partition(":")
    return cast(Work, getattr(importlib.import_module(module), function)(request["settings"]))


def measured(work: Work) -> Values:
    """Carry it out under the clock; a check comes after it."""
    with PeakMemory() as memory:
        wall, cpu = time.perf_counter(), time.process_time()
        done = work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    values = done.values if isinstance(done, Afterwards) else done
    checked = done.check() if isinstance(done, Afterwards) else {}
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_mib": memory.resident_mib,
        "peak_anonymous_mib": memory.anonymous_mib,
        "before_mib": memory.before_mib,
        **values,
        **checked,
    }


def main() -> None:
    """One measurement."""
    told = _own_output()
    work = _prepared(json.loads(sys.stdin.readline()))
    told.write("ready\n")
    told.flush()
    if not sys.stdin.readline():
        return
    told.write(json.dumps(measured(work)) + "\n")
    told.flush()


if __name__ == "__main__":
    main()
