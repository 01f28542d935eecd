"""What each phase of a run cost: wall seconds and peak memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class Clock:
    """Times the phases of a run; `phases` maps each name to `wall_s` and `peak_rss_mib`.

    On Linux the kernel's high-water mark is reset when a phase begins, so that the peak is the phase's own;
    elsewhere it is the peak of the process so far.
    """

    def __init__(self) -> None:
        self.phases: dict[str, dict[str, float]] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the block under this name; a name used twice adds up."""
        _reset_peak()
        start = time.perf_counter()
        try:
            yield
        finally:
            before = self.phases.get(name, {"wall_s": 0.0, "peak_rss_mib": 0.0})
            self.phases[name] = {
                "wall_s": round(before["wall_s"] + time.perf_counter() - start, 3),
                "peak_rss_mib": round(max(before["peak_rss_mib"], peak_rss_mib()), 1),
            }


def _reset_peak() -> None:
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return


def peak_rss_mib() -> float:
    """Highest resident memory since the mark was reset, in MiB."""
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
