"""Two processes at once, processes that are killed, and disks that are full: real ones."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from harness.errors import StoreError
from harness.store import Store, claims

Start = Callable[..., "subprocess.Popen[str]"]
UTTERANCES = 330
LAYERS = (1,)


def ids(corpus: Path) -> list[str]:
    return sorted(path.stem for path in corpus.glob("*.wav"))


def check_same(toy: ModuleType, corpus: Path, root: Path, uninterrupted: Path) -> None:
    """Bit for bit, and byte for byte on disk."""
    one, other = Store(root, toy.key()), Store(uninterrupted, toy.key())
    assert one.verify() == []
    names = ids(corpus)
    np.testing.assert_array_equal(one.means(names), other.means(names))
    np.testing.assert_array_equal(one.stds(names), other.stds(names))
    np.testing.assert_array_equal(one.frames(names, 1).values, other.frames(names, 1).values)
    trees = [{path.name for path in (store.path / "shards").iterdir()} for store in (one, other)]
    assert trees[0] == trees[1]
    assert [*(one.path / "pending").iterdir()] == []


def wait_for(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 240
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("shards_before", [1, 3])
def test_killed_and_resumed_is_as_if_nothing_had_happened(
    toy: ModuleType,
    start_toy: Start,
    corpus: Path,
    uninterrupted: Path,
    tmp_path: Path,
    *,
    shards_before: int,
) -> None:
    process = start_toy(corpus, tmp_path, 0.03, 1)
    wait_for(lambda: len([*tmp_path.glob("*/shards/*")]) >= shards_before, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len([*tmp_path.glob("*/shards/*")])
    assert [*tmp_path.glob("*/pending/*")], "it was killed at work"
    report = toy.run(corpus, tmp_path, layers=LAYERS)
    assert report.shards == 6 - kept
    assert 0 < report.stored_before < UTTERANCES
    check_same(toy, corpus, tmp_path, uninterrupted)


def test_two_processes_share_the_work(
    toy: ModuleType, start_toy: Start, corpus: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    both = [start_toy(corpus, tmp_path, 0.05, 1, partners=2) for _ in range(2)]
    reports = []
    for process in both:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        reports.append(json.loads(out))
    assert sum(report["utterances"] for report in reports) == UTTERANCES
    assert min(report["utterances"] for report in reports) > 0
    check_same(toy, corpus, tmp_path, uninterrupted)


def test_a_survivor_does_what_a_killed_partner_had_claimed(
    toy: ModuleType, start_toy: Start, corpus: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    slow = start_toy(corpus, tmp_path, 30.0, 1)
    wait_for(lambda: [*tmp_path.glob("*/pending/*.lock")], slow)
    quick = start_toy(corpus, tmp_path, 0.0, 1)
    wait_for(lambda: len([*tmp_path.glob("*/shards/*")]) >= 3, quick)
    slow.send_signal(signal.SIGKILL)
    slow.wait()
    out, err = quick.communicate(timeout=240)
    assert quick.returncode == 0, err
    assert json.loads(out)["utterances"] == UTTERANCES
    check_same(toy, corpus, tmp_path, uninterrupted)


def test_two_different_requests_at_once(
    toy: ModuleType, start_toy: Start, corpus: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    part.mkdir()
    for name in ids(corpus)[::3]:
        shutil.copy(corpus / f"{name}.wav", part)
    root = tmp_path / "root"
    root.mkdir()
    both = [start_toy(part, root, 0.01, partners=2), start_toy(corpus, root, 0.01, 1, partners=2)]
    for process in both:
        assert process.wait(timeout=240) == 0, process.communicate()
    one, other = Store(root, toy.key()), Store(uninterrupted, toy.key())
    assert one.verify() == []
    assert one.missing(ids(corpus), [1]) == []
    # Other batches: float32 sums of the upstream in another order, of numbers below 1.
    np.testing.assert_allclose(one.means(ids(corpus)), other.means(ids(corpus)), rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        one.frames(ids(corpus), 1).values, other.frames(ids(corpus), 1).values, rtol=0, atol=1e-5
    )


def test_a_claim_is_held_once_and_swept_only_when_dead(tmp_path: Path) -> None:
    work = tmp_path / "pending"
    with claims.take(work, "a") as claim:
        claims.emptied(claim.scratch).joinpath("half.npy").write_bytes(b"half")
        (work / "b").mkdir()
        (work / "b.lock").touch()
        os.utime(work / "b.lock", (1, 1))
        assert claims.take(work, "a") is None
        claims.sweep(work)
        assert {path.name for path in work.iterdir()} == {claim.scratch.name, "a.lock"}
    assert [*work.iterdir()] == []
    with claims.take(work, "a") as again:
        claim.release()  # a second time, when another has it
        assert claims.take(work, "a") is None
        assert again.lock.is_locked


# ------------------------------------------------------------------------------------------- no room left


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("needs the right to mount a tmpfs")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"cannot mount a tmpfs: {made.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    toy: ModuleType, corpus: Path, small_disk: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        StoreError, match=r"no room[\s\S]*MiB free[\s\S]*MiB for[\s\S]*EMOHARNESS_CACHE"
    ) as caught:
        toy.run(corpus, small_disk, layers=(0, 1, 2, 3))
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    store = Store(small_disk, toy.key())
    assert store.verify() == []
    assert [*(store.path / "pending").iterdir()] == []
    kept = len(ids(corpus)) - len(store.missing(ids(corpus)))
    assert 0 < kept < UTTERANCES
    shutil.copytree(store.path, tmp_path / "roomy" / store.name)
    report = toy.run(corpus, tmp_path / "roomy", layers=(0, 1, 2, 3))
    assert report.stored_before == kept


def test_a_disk_without_room_for_anything(toy: ModuleType, corpus: Path, small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (small_disk / "filler").write_bytes(bytes(2 << 20))
    with pytest.raises(StoreError, match="no room"):
        toy.run(corpus, small_disk)
    assert [*small_disk.glob("*/shards/*")] == []


def test_a_file_larger_than_the_system_allows(
    toy: ModuleType, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # half a compiled module would be left
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        with pytest.raises(StoreError, match="no room"):
            toy.run(corpus, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [*tmp_path.glob("*/shards/*")] == []
    assert [*tmp_path.glob("*/pending/*")] == []
    assert toy.run(corpus, tmp_path).utterances == UTTERANCES


def test_a_place_that_is_no_folder(toy: ModuleType, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "root").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        toy.run(corpus, tmp_path / "root")
