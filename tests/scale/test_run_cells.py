"""Cells that know nothing of each other, on local workers: what comes back, and what goes wrong."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from harness.config import ScaleConfig
from harness.errors import CorpusError, ScaleError
from harness.scale import Needs, run_cells


def run(toy: Any, count: int, needs: Needs | None = None, **settings: Any) -> tuple[list[Any], list[Any]]:
    """What the cells said, by number, and the progress that was told."""
    told: list[Any] = []
    said = run_cells(
        list(range(count)), type(toy).work, toy, settings=ScaleConfig(**{"workers": 2} | settings),
        needs=needs or Needs(), done=toy.is_done, progress=lambda *share: told.append(share),
    )  # fmt: skip
    return sorted(said), told


@pytest.mark.parametrize("backend", ["processes", "dask", "ray"])
def test_local_workers(
    backend: str, cells: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the command's folder, with its variables and its number of threads; a cluster of ours ends with us."""
    monkeypatch.setenv("EMOHARNESS_TEST_WORD", backend)
    monkeypatch.chdir(tmp_path)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    said, told = run(cells.Toy(tmp_path), 6, Needs(threads=2), name=backend, address=None)
    assert [one.square for one in said] == [number**2 for number in range(6)]
    assert os.getpid() not in {one.pid for one in said}
    assert {(one.threads, one.cwd, one.told) for one in said} == {(2, str(tmp_path), backend)}
    assert all(set(one.blas) == {2} for one in said)
    assert told == [(float(done), 6.0) for done in range(7)]
    left = {child.pid for child in psutil.Process().children(recursive=True) if _is_ours(child)} - before
    assert not left
    # What is shared is unpacked once per process: a process numbers its cells from 1 on.
    begun = [path.name.split(".")[1:3] for path in tmp_path.glob("*.begun")]
    for pid in {pid for pid, _ in begun}:
        numbers = sorted(int(number) for one, number in begun if one == pid)
        assert numbers == list(range(1, len(numbers) + 1))


def _is_ours(child: psutil.Process) -> bool:
    """The resource tracker of `multiprocessing` stays as long as the process that has one."""
    try:
        return "resource_tracker" not in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("backend", ["processes", "dask"])
def test_a_cell_that_kills_every_worker_is_named(backend: str, cells: ModuleType, tmp_path: Path) -> None:
    toy = cells.Toy(tmp_path, deadly=(3,))
    with pytest.raises(ScaleError) as caught:
        run(toy, 4, retries=1, name=backend)
    assert caught.value.exit_code == 2
    assert "2 rounds" in caught.value.what
    assert str(caught.value.got).split(": ")[0].split(", ")[-1] == "3"
    assert toy.begun(3) == 2, "once, and once again"


def test_an_error_of_the_work_comes_as_itself(cells: ModuleType, tmp_path: Path) -> None:
    toy = cells.Toy(tmp_path, faulty=(2,))
    with pytest.raises(CorpusError) as caught:
        run(toy, 4)
    assert (caught.value.what, caught.value.next_step) == ("a bad file", "listen")
    assert toy.begun(2) == 1, "it is not tried again"
    assert toy.is_done(0)
    assert toy.is_done(1)


def test_a_defect_keeps_its_traceback(cells: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="cell 1") as caught:
        run(cells.Toy(tmp_path, broken=(1,)), 3)
    assert "in work" in "".join(caught.value.__notes__)


def test_a_cell_that_was_done_before_its_worker_was_lost_is_not_done_again(
    cells: ModuleType, tmp_path: Path
) -> None:
    toy = cells.Toy(tmp_path, deadly=(1,))
    (tmp_path / "1.done").touch()
    run(toy, 3, retries=3)
    assert toy.begun(1) == 1
    assert all((tmp_path / f"{number}.done").exists() for number in range(3)), "what was said may be lost"


def test_a_cell_that_no_node_has_room_for(cells: ModuleType, tmp_path: Path) -> None:
    """Ray itself would wait for such a node."""
    with pytest.raises(ScaleError, match="no node") as caught:
        run(cells.Toy(tmp_path), 2, Needs(gpus=64), name="ray")
    assert "64 GPU" in str(caught.value.wanted)
