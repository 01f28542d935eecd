"""Who writes what: a marker file per piece of work, renewed while its owner lives. Nothing is locked.

A marker is created exclusively, which every network file system can do; `flock` and `fcntl`, which hang or lie on
some of them, are not used. A claim is given up by its owner, taken at once from an owner of this machine that is
dead (`kill -9` included), and taken from an owner elsewhere whose marker was not renewed for `LEASE_S`.

A claim saves work and guards nothing: an owner that was merely asleep goes on, and then two write the same
shard. Both write it in folders of their own, and the first that renames it into place has written it.
"""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil
from filelock import LeaseSettingsMismatch, SoftFileLease, Timeout

LEASE_S = 180.0
"""Without a sign of life. Signs come every third of it; file attributes are cached for up to 60 s on NFS."""
TRASH = ".trash-"


@dataclass(frozen=True)
class Claim:
    """The right to write one piece of work, and a folder of its own to write it in."""

    lock: SoftFileLease
    scratch: Path

    def release(self) -> None:
        """Give the right back, once; what was not published is thrown away."""
        if not self.lock.is_locked:
            return
        shutil.rmtree(self.scratch, ignore_errors=True)
        with suppress(OSError):
            self.lock.release()

    def __enter__(self) -> Claim:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def take(work: Path, name: str) -> Claim | None:
    """Claim the work called `name` (no dots); None where someone alive holds it. Never waits."""
    work.mkdir(parents=True, exist_ok=True)
    marker = work / f"{name}.lock"
    lease = _lease(marker)
    if _acquired(lease) or (_is_abandoned(lease, marker) and _acquired(lease)):
        return Claim(lease, work / f"{name}.{uuid.uuid4().hex}")
    return None


def _lease(marker: Path) -> SoftFileLease:
    return SoftFileLease(marker, lease_duration=LEASE_S, thread_local=False)


def _acquired(lease: SoftFileLease) -> bool:
    try:
        lease.acquire(blocking=False)
    except (Timeout, LeaseSettingsMismatch):
        return False
    except PermissionError:
        if not Path(lease.lock_file).exists():
            raise
        return False  # it is another user's
    return True


def _is_abandoned(lease: SoftFileLease, marker: Path) -> bool:
    """Whether nobody alive holds the marker; it is then out of the way.

    The library takes a dead owner's marker by swapping two names, which NFS refuses, and measures a lease by
    watching it. Here the marker is compared with one made just now: both times are the file server's, so no
    clocks of two machines are compared, and what died yesterday is known to be dead at once. A marker that is
    still empty counts as one from elsewhere: NFS shows the owner's name late.
    """
    now = _lease(marker.with_name(f"{TRASH}{uuid.uuid4().hex}"))
    try:
        with marker.open("rb") as file, now:  # opening asks the server anew
            held = os.fstat(file.fileno())
            os.utime(now.lock_file)
            age_s = Path(now.lock_file).stat().st_mtime - held.st_mtime
            if age_s < LEASE_S and not _is_dead(lease, now):
                return False
    except FileNotFoundError:
        return True
    _put_away(marker, held)
    return True


def _is_dead(lease: SoftFileLease, now: SoftFileLease) -> bool:
    """Whether the owner was a process of this machine, which is known by what the library calls it."""
    owner, here = lease.owner, now.owner
    if owner is None or here is None or owner.hostname != here.hostname:
        return False
    return not _runs(owner.pid)


def _runs(pid: int) -> bool:
    """Whether a process of this machine does anything: one that was killed is listed until its parent asks."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _put_away(marker: Path, judged: os.stat_result) -> None:
    """Remove a marker; where somebody has put another in its place since it was judged, that one goes back."""
    aside = marker.with_name(f"{TRASH}{uuid.uuid4().hex}")
    with suppress(OSError):
        marker.rename(aside)
        if not os.path.samestat(aside.stat(), judged):
            os.link(aside, marker)
        aside.unlink()


def emptied(folder: Path) -> Path:
    """The folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def discard(folder: Path, trash: Path) -> Path | None:
    """Take a folder out of sight in one step and give its new place in `trash`; None where it has gone."""
    aside = trash / f"{TRASH}{uuid.uuid4().hex}"
    trash.mkdir(parents=True, exist_ok=True)
    try:
        return folder.rename(aside)
    except FileNotFoundError:
        return None


def sweep(work: Path) -> None:
    """Remove what dead writers left behind; the work of living ones is claimed and stays.

    On NFS a file that somebody still has open lives on as `.nfs...`: it is left alone, and its folder goes with
    a later sweep.
    """
    if not work.is_dir():
        return
    entries = sorted(work.iterdir())
    for entry in entries:
        if entry.name.startswith(TRASH):
            _remove(entry)
    for name in {entry.name.partition(".")[0] for entry in entries} - {""}:
        claim = take(work, name)
        if claim is not None:
            with claim:
                _remove_scratch(work, name)


def _remove_scratch(work: Path, name: str) -> None:
    """Out of sight first, so that a writer who was taken for dead cannot publish half of it."""
    for left in (work / name, *work.glob(f"{name}.*")):
        if left.suffix != ".lock":
            aside = discard(left, work)
            if aside is not None:
                _remove(aside)


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        with suppress(OSError):
            entry.unlink()
