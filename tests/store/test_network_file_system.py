"""A store where locks do not work, owners die on other machines, and two writers meet: none of it does harm."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from harness.store import Store, claims, publish

Start = Callable[..., "subprocess.Popen[str]"]
UTTERANCES = 200
LAYERS = (1,)


def filters_work() -> bool:
    """Whether the kernel lets this test play a file system without locks."""
    script = Path(__file__).with_name("no_locks.py")
    code = f"import runpy; runpy.run_path({str(script)!r})['refuse_locks']()"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


needs_filters = pytest.mark.skipif(not filters_work(), reason="needs seccomp on x86-64 Linux")


def check_same(toy: ModuleType, root: Path, uninterrupted: Path) -> None:
    """The same shards, byte for byte, and nothing else."""
    one, other = (Store(place, toy.key()) for place in (root, uninterrupted))
    assert one.verify() == []
    files = [
        {path.relative_to(store.path): path.read_bytes() for path in store.path.rglob("shards/*/*")}
        for store in (one, other)
    ]
    assert files[0] == files[1]


def wait_for(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 240
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finished(process: subprocess.Popen[str]) -> dict[str, float]:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return json.loads(out)


@needs_filters
def test_locks_are_refused_as_by_nfs_without_lockd(tmp_path: Path) -> None:
    code = (
        "import errno, fcntl, sys; sys.path.insert(0, sys.argv[1]); import no_locks; no_locks.refuse_locks()\n"
        "from filelock._util import exchange_names\n"
        "a, b = (open(sys.argv[2] + name, 'w') for name in 'ab')\n"
        "for lock in (fcntl.flock, fcntl.lockf):\n"
        "    try: lock(a, fcntl.LOCK_EX | fcntl.LOCK_NB); sys.exit(1)\n"
        "    except OSError as error: assert error.errno == errno.ENOLCK, error\n"
        "assert not exchange_names(a.name, b.name)\n"
    )
    words = [sys.executable, "-c", code, str(Path(__file__).parent), f"{tmp_path}/"]
    assert subprocess.run(words, check=False).returncode == 0
    with (tmp_path / "a").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # here, in this process, they work


@needs_filters
def test_two_writers_share_the_work_without_locks(
    toy: ModuleType, start_toy: Start, corpus: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    both = [start_toy(corpus, tmp_path, 0.03, 1, partners=2, NO_LOCKS="1") for _ in range(2)]
    reports = [finished(process) for process in both]
    assert sum(report["utterances"] for report in reports) == UTTERANCES
    check_same(toy, tmp_path, uninterrupted)


@needs_filters
def test_what_a_killed_owner_had_claimed_is_taken_at_once_without_locks(
    toy: ModuleType, start_toy: Start, corpus: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    """Far sooner than its lease ends: that takes minutes, and this test would fail."""
    slow = start_toy(corpus, tmp_path, 30.0, 1, NO_LOCKS="1")
    wait_for(lambda: [*tmp_path.glob("*/pending/*.lock")], slow)
    quick = start_toy(corpus, tmp_path, 0.0, 1, NO_LOCKS="1")
    wait_for(lambda: len([*tmp_path.glob("*/shards/*")]) >= 1, quick)
    slow.send_signal(signal.SIGKILL)
    slow.wait()
    assert finished(quick)["utterances"] == UTTERANCES
    check_same(toy, tmp_path, uninterrupted)


@pytest.mark.parametrize("no_locks", ["", pytest.param("1", marks=needs_filters)])
def test_two_writers_of_every_shard_at_once_do_no_harm(
    toy: ModuleType, start_toy: Start, corpus: Path, uninterrupted: Path, tmp_path: Path, *, no_locks: str
) -> None:
    """Claims that guard nothing: each takes every piece, sweeps the other's folders, writes the same shards."""
    both = [
        start_toy(corpus, tmp_path, 0.02, 1, partners=2, NO_LOCKS=no_locks, NO_CLAIMS="1") for _ in range(2)
    ]
    reports = [finished(process) for process in both]
    assert sum(report["utterances"] for report in reports) > UTTERANCES, "they met"
    check_same(toy, tmp_path, uninterrupted)


# ---------------------------------------------------------------------------------------- owners elsewhere


def left_by_another_machine(work: Path) -> Path:
    """The marker of a process on another machine that renews it no more."""
    claim = claims.take(work, "a")
    assert claim is not None
    marker, text = work / "a.lock", (work / "a.lock").read_text()
    here = claim.lock.owner.hostname
    claim.release()
    assert here in text
    marker.write_text(text.replace(here, "elsewhere"))
    return marker


def aged(marker: Path, seconds: float) -> None:
    """Renewed so long ago, on the file system's clock."""
    marker.touch()
    when = marker.stat().st_mtime - seconds
    os.utime(marker, (when, when))


def test_an_owner_elsewhere_is_believed_until_its_lease_ends(tmp_path: Path) -> None:
    marker = left_by_another_machine(tmp_path)
    aged(marker, claims.LEASE_S / 2)
    assert claims.take(tmp_path, "a") is None
    claims.sweep(tmp_path)
    assert marker.exists()
    aged(marker, claims.LEASE_S + 1)
    with claims.take(tmp_path, "a") as claim:
        assert claims.take(tmp_path, "a") is None
        assert claim.scratch.parent == tmp_path
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("hours", [-1000, 1000])
def test_this_machines_clock_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    marker = left_by_another_machine(tmp_path)
    aged(marker, 1)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600 * hours)
    assert claims.take(tmp_path, "a") is None


def test_a_living_owner_renews_its_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE_S", 0.3)
    with claims.take(tmp_path, "a"):
        first = (tmp_path / "a.lock").stat().st_mtime_ns
        deadline = time.monotonic() + 240
        while (tmp_path / "a.lock").stat().st_mtime_ns == first:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_who_has_lost_a_claim_still_writes_its_shard(
    toy: ModuleType, corpus: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    source = Store(uninterrupted, toy.key())
    (shard, *_) = source._catalogue.shards.values()
    store = Store(tmp_path, toy.key())
    claim = store.claim("a")
    aged(store.path / "pending" / "a.lock", claims.LEASE_S + 1)
    other = store.claim("a")
    assert other is not None
    assert other.scratch != claim.scratch
    for held in (claim, other):
        store.write(held, features_of(toy, source, shard.ids))
    claim.release()
    assert store.claim("a") is None, "who has lost a claim does not give back another's"
    other.release()
    np.testing.assert_array_equal(store.means(shard.ids), source.means(shard.ids))
    assert len([*(store.path / "shards").iterdir()]) == 1


def features_of(toy: ModuleType, store: Store, ids: tuple[str, ...]) -> list[object]:
    from harness.store import UtteranceFeatures

    rows = zip(ids, store.frame_counts(ids), store.means(ids), store.stds(ids), strict=True)
    return [UtteranceFeatures(name, int(count), mean, std, {}) for name, count, mean, std in rows]


def test_a_folder_swept_away_in_the_middle_is_written_again(
    toy: ModuleType, corpus: Path, uninterrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, store = Store(uninterrupted, toy.key()), Store(tmp_path, toy.key())
    (shard, *_) = source._catalogue.shards.values()
    claim = store.claim("a")
    put, times = publish.publish, []

    def swept(scratch: Path, *further: object) -> None:
        times.append(scratch)
        if len(times) == 1:
            shutil.rmtree(scratch)
        put(scratch, *further)

    monkeypatch.setattr("harness.store.features.publish", swept)
    store.write(claim, features_of(toy, source, shard.ids))
    assert len(times) == 2
    assert store.verify() == []
    assert store.missing(shard.ids) == []


# -------------------------------------------------------------------------------------- what NFS leaves about


def test_files_that_nfs_leaves_do_not_disturb(
    toy: ModuleType, corpus: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    shutil.copytree(uninterrupted, tmp_path / "root")
    (folder,) = (tmp_path / "root").glob("*")
    (shard, *_) = (folder / "shards").iterdir()
    (folder / "pending" / "dead.0123").mkdir(parents=True, exist_ok=True)
    for place in (folder, folder / "shards", shard, folder / "pending", folder / "pending" / "dead.0123"):
        (place / ".nfs0000000001").write_bytes(b"still open elsewhere")
    (folder / "shards" / ".nfs0000000002").mkdir()
    store = Store(tmp_path / "root", toy.key())
    ids = [source.id for source in toy.sources(corpus)]
    assert store.missing(ids, [1]) == []
    assert store.verify() == []
    store.prepare()
    assert [path.name for path in (folder / "pending").iterdir()] == [".nfs0000000001"]
    assert store.bytes_on_disk() > 0


def test_a_shard_that_goes_while_the_folder_is_read_is_missing(
    toy: ModuleType,
    corpus: Path,
    uninterrupted: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shutil.copytree(uninterrupted, tmp_path / "root")
    (folder,) = (tmp_path / "root").glob("*/shards")
    going, half = sorted(folder.iterdir())[:2]
    store = Store(tmp_path / "root", toy.key())
    lost = {name for shard in (going, half) for name in store._catalogue.shards[shard.name].ids}
    shutil.rmtree(going)
    (half / "index.json").unlink()
    late = Store(tmp_path / "root", toy.key())
    assert set(late.missing([source.id for source in toy.sources(corpus)])) == lost
    assert len(caplog.records) == 1
    toy.run(corpus, tmp_path / "root", layers=LAYERS)
    late.refresh()
    assert late.missing([source.id for source in toy.sources(corpus)]) == [], "made anew by another process"
    check_same(toy, tmp_path / "root", uninterrupted)


def test_a_sound_shard_is_never_put_away(toy: ModuleType, uninterrupted: Path, tmp_path: Path) -> None:
    shutil.copytree(uninterrupted, tmp_path / "root")
    store = Store(tmp_path / "root", toy.key())
    (shard, *_) = (store.path / "shards").iterdir()
    publish.put_away(shard, store.name, store.path / "pending")
    assert store.verify() == []
    check_same(toy, tmp_path / "root", uninterrupted)
