"""Peak memory of this process: all resident pages by the kernel's mark, anonymous ones by looking every 10 ms.

Pages of mapped files count as resident while they are warm and can be dropped at any time; anonymous ones cannot.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from harness.clock import peak_rss_mib

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_EVERY_S = 0.01


def anonymous_mib() -> float:
    """Resident anonymous memory now; 0 where the system does not tell."""
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    return 0.0


class PeakMemory:
    """Watches the block; afterwards `anonymous_mib` and `resident_mib` are its peaks."""

    def __init__(self) -> None:
        self.anonymous_mib = self.before_mib = anonymous_mib()
        self.resident_mib = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        _reset_mark()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self.resident_mib = peak_rss_mib()

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_S):
            self.anonymous_mib = max(self.anonymous_mib, anonymous_mib())


def _reset_mark() -> None:
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return
