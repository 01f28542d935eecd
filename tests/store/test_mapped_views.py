"""A view on disk holds what the view in memory holds, is written once, and grows no memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from harness import mapped
from harness.errors import StoreError

SHAPE = (700, 2, 3)


def values() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)


def blocks() -> Iterator[np.ndarray]:
    yield from np.array_split(values(), 5)


def untouched() -> Iterator[np.ndarray]:
    raise AssertionError("it is there and need not be written")


def test_it_is_written_once_and_found_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "views" / "a.npy"
    for source in (blocks, untouched):
        got = mapped.mapped(path, SHAPE, source)
        assert torch.equal(got, torch.from_numpy(values()))
    assert [file.name for file in tmp_path.rglob("*.npy")] == ["a.npy"]


@pytest.mark.filterwarnings("error")
def test_nobody_is_warned_and_nothing_is_copied(tmp_path: Path) -> None:
    got = mapped.mapped(tmp_path / "a.npy", SHAPE, blocks)
    maps = Path("/proc/self/maps")
    if not maps.is_file():
        pytest.skip("needs /proc")
    assert str(tmp_path / "a.npy") in maps.read_text()
    assert got.dtype == torch.float32


def test_what_is_not_whole_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    mapped.mapped(path, SHAPE, blocks)
    for damage in (
        lambda: os.truncate(path, 999),
        lambda: os.truncate(path, 0),
        lambda: np.save(path, values()[:9]),
    ):
        damage()
        assert torch.equal(mapped.mapped(path, SHAPE, blocks), torch.from_numpy(values()))


def test_it_is_finished_before_anybody_sees_it(tmp_path: Path) -> None:
    path, seen = tmp_path / "a.npy", []

    def double(array: np.ndarray) -> None:
        seen.append(path.exists())
        array *= 2

    got = mapped.mapped(path, SHAPE, blocks, double)
    assert torch.equal(got, 2 * torch.from_numpy(values()))
    assert seen == [False]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield values()[:10]
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match=r"no room"):
        mapped.mapped(tmp_path / "a.npy", SHAPE, failing)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_who_comes_second_waits_for_the_first(tmp_path: Path) -> None:
    begun, written = threading.Event(), []

    def slow() -> Iterator[np.ndarray]:
        begun.set()
        written.append(1)
        time.sleep(0.3)
        yield values()

    first = threading.Thread(target=mapped.mapped, args=(tmp_path / "a.npy", SHAPE, slow))
    first.start()
    begun.wait(10)
    mapped.mapped(tmp_path / "a.npy", SHAPE, slow)
    first.join()
    assert written == [1]


WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from harness.mapped import mapped

def blocks():
    yield np.zeros((1, 4), np.float32)
    print("begun", flush=True)
    time.sleep(60)

mapped(Path(sys.argv[1]), (2, 4), blocks)
"""


def test_a_killed_writer_is_taken_over_from_and_swept(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.kill()
    writer.wait()
    assert not path.exists()
    mapped.mapped(path, (2, 4), lambda: iter([np.ones((2, 4), np.float32)]))
    assert sorted(file.name for file in tmp_path.rglob("*.npy")) == ["a.npy"]


def test_what_nobody_opens_for_a_week_goes(tmp_path: Path) -> None:
    old, used = tmp_path / "old.npy", tmp_path / "used.npy"
    for path in (old, used):
        mapped.mapped(path, SHAPE, blocks)
        os.utime(path, (0, time.time() - 2 * mapped.UNUSED_S))
    mapped.mapped(used, SHAPE, untouched)
    mapped.mapped(tmp_path / "new.npy", SHAPE, blocks)
    assert sorted(file.name for file in tmp_path.glob("*.npy")) == ["new.npy", "used.npy"]
