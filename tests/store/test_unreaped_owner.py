"""A killed owner of a claim that its parent has not asked for yet: it is listed, and does nothing any more."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from harness.store import claims

HOLD = """
import sys
from pathlib import Path
from harness.store import claims
claim = claims.take(Path(sys.argv[1]), "piece")
assert claim is not None
print("held", flush=True)
sys.stdin.read()
"""


def test_a_zombie_holds_nothing(tmp_path: Path, project_root: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=project_root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as owner:  # fmt: skip
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        assert claims.take(tmp_path, "piece") is None
        owner.send_signal(signal.SIGKILL)
        while psutil.Process(owner.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        claim = claims.take(tmp_path, "piece")
        assert claim is not None
        claim.release()
