"""Independent cells on all cores of a machine, or on many machines: joblib's `Parallel`, its backend an option.

A stage is a list of cells that know nothing of each other, and each cell leaves its result on disk, whole or not
at all. So a worker that is lost costs what it had begun: the cells that are not on disk are given out again.

A backend is a module in this folder without a leading underscore: `processes` (joblib's own), `ray`, `dask`.
"""

from harness.scale._check import backends, check
from harness.scale._limits import limited
from harness.scale._look import Look, TooLongError
from harness.scale._needs import Needs, asked_for, threads_of, workers_here
from harness.scale._rounds import run_cells

__all__ = [
    "Look",
    "Needs",
    "TooLongError",
    "asked_for",
    "backends",
    "check",
    "limited",
    "run_cells",
    "threads_of",
    "workers_here",
]
