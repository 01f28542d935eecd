"""A command that is stopped, and work that is at fault, while workers are in the middle of something."""

from __future__ import annotations

import os
import signal
from typing import Any

import psutil


def test_an_interrupt_ends_the_workers(place: Any, wait_for: Any) -> None:
    place.open("extract")
    process = place.start("scale.workers=2")
    wait_for(lambda: len(place.waiting("train")) == 2 and place.cells(), "two in the middle", process)
    workers = [psutil.Process(pid) for pid in place.waiting("train")]
    os.kill(process.pid, signal.SIGINT)
    code, _, err = place.end(process)
    assert code == 130
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    _, alive = psutil.wait_procs(workers, timeout=240)
    assert not alive, "they would stand at the gate for ever"


def test_a_fault_of_the_work_is_told_once_and_costs_no_finished_cell(place: Any) -> None:
    place.open("extract", "train")
    process = place.start("scale.workers=2", "+head.fails=true")
    code, _, err = place.end(process)
    assert code == 2
    assert err.count("these features are unfit") == 1
    assert "lost their worker" not in err
    assert "Traceback" not in err
    assert place.cells()
