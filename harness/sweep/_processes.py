"""A pre-training shared by several processes: PyTorch's own launcher around the command `pretrain`."""

from __future__ import annotations

import os
import subprocess
import sys

from harness.errors import ConfigError, HarnessError
from harness.pretrain import Plan

INTERRUPTED = 130
STANDARD_ERROR = 2
"""Where the processes tell how it goes; standard output is for the table."""


def refuse_launcher() -> None:
    """A sweep evaluates between its pre-trainings, where the other processes would wait and give up.

    Raises:
        ConfigError: PyTorch's launcher started this process as one of several.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(
            "a sweep is one process, which starts others for its pre-trainings",
            got="torchrun around `sweep`",
            wanted="python -m harness sweep ... processes=GPUS",
            next_step="leave torchrun out, and set processes= to the number of GPUs of this machine",
        )


def pretrain_in_processes(plan: Plan, processes: int) -> None:
    """Run `pretrain` for a plan in several processes of this machine.

    Raises:
        HarnessError: it ended with a fault, which it has told.
        KeyboardInterrupt: it was stopped; the same sweep goes on from there.
    """
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={processes}",
    ]
    words = [f"recipe={plan.recipe}", *plan.overrides, f"name={plan.name}"]
    command = [*launcher, "-m", "harness", "pretrain", *words]
    code = subprocess.run(command, check=False, stdout=STANDARD_ERROR).returncode  # noqa: S603
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise HarnessError(
            "a pre-training in several processes failed",
            got=f"{plan.name}: exit code {code}; its own message is above",
            wanted="a pre-training that ends",
            next_step="mend what it says and sweep again; it goes on where it was",
        )
