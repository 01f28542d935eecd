"""Workers that are killed in the middle, on every backend: the final table is that of a single process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import psutil

Check = Callable[[Any], None]


def finish(place: Any, process: Any) -> str:
    """The end of a command that went well, and what it said."""
    code, _, err = place.end(process)
    assert code == 0, err
    assert "Traceback" not in err
    return str(err)


def test_processes(place: Any, assert_same: Check) -> None:
    process = place.start("scale.workers=2")
    place.lose_one("extract", process)
    place.lose_one("train", process)
    assert finish(place, process).count("lost their worker") == 2
    assert_same(place)


def test_dask(place: Any, dask_cluster: str, assert_same: Check) -> None:
    process = place.start("scale=dask", f"scale.address={dask_cluster}")
    place.lose_one("extract", process)
    place.lose_one("train", process)
    finish(place, process)
    assert_same(place)


def test_ray(place: Any, ray_cluster: str, assert_same: Check) -> None:
    process = place.start("scale=ray", f"scale.address={ray_cluster}")
    place.lose_one("extract", process)
    place.lose_one("train", process)
    assert finish(place, process).count("lost their worker") == 2
    assert_same(place)


def test_a_whole_node_of_ray(place: Any, ray_cluster: str, assert_same: Check, wait_for: Any) -> None:
    """The node's own process and its workers, all at once, as where a machine loses its power."""
    place.open("extract")
    process = place.start("scale=ray", f"scale.address={ray_cluster}")
    wait_for(
        lambda: place.waiting("train") and place.cells(), "a worker in the middle of a training", process
    )
    raylet = psutil.Process(place.waiting("train")[0]).parent()
    assert raylet is not None
    assert "raylet" in raylet.name()
    for one in [raylet, *raylet.children(recursive=True)]:
        one.send_signal(signal.SIGKILL)
    place.open("train")
    assert "lost their worker" in finish(place, process)
    assert_same(place)


def test_the_command_itself(place: Any, assert_same: Check, wait_for: Any) -> None:
    """With all its workers, as where the head's machine is lost: the next command does what is left, no more."""
    place.open("extract")
    process = place.start("scale.workers=2")
    wait_for(lambda: len(place.waiting("train")) == 2 and place.cells(), "two in the middle", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept, begun, extracted = place.cells(), place.arrivals("train"), place.arrivals("extract")
    place.open("train")
    finish(place, place.start("scale.workers=1"))
    assert 0 < len(kept) < 5
    assert place.arrivals("train") - begun == 5 - len(kept)
    assert place.arrivals("extract") == extracted
    assert_same(place)
