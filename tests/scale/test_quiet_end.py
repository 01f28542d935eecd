"""Workers that are done leave nothing behind that Python complains about."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import multiprocessing
from harness.config import ScaleConfig
from harness.scale import Needs, processes

def holds_a_lock(number):
    import builtins
    builtins.held = multiprocessing.RLock()
    return number

with processes.opened(ScaleConfig(), Needs()) as workers:
    parallel = workers.parallel(2)
    from joblib import delayed
    print(sorted(parallel(delayed(holds_a_lock)(number) for number in range(2))))
"""


def test_a_lock_that_a_worker_made_is_cleaned_up() -> None:
    """Exporting a network makes one (torch.fx, through tqdm), and a killed worker would leave it."""
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=240
    )
    assert done.stdout == "[0, 1]\n"
    assert done.stderr == ""
