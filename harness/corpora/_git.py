"""A corpus that is a git checkout carries its owners' checksums: every file against the commit they published.

A commit names each file by the SHA-1 of its content (git's blob id), and files kept in Git LFS by a small pointer
with their SHA-256 and size (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from harness.audio import SUFFIXES
from harness.contracts import CorpusFacts, Utterance
from harness.errors import CorpusError
from harness.manifest import Fault, FaultKind

log = logging.getLogger(__name__)

_POINTER_BYTES = 1024
"""A pointer is shorter than this (LFS specification), sound is longer."""
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>\d+)\n"
)
_CHUNK_BYTES = 1 << 20


class Published(NamedTuple):
    """What the owners' commit says of one file."""

    algorithm: str
    """`blob` (git's SHA-1 of a header and the content) or `sha256` (of an LFS file's content)."""
    digest: str
    size_bytes: int


def git_faults(root: Path, facts: CorpusFacts, utterances: Sequence[Utterance]) -> list[Fault]:
    """Sound files of a git checkout that are otherwise than in the owners' commit; empty where it is none.

    Args:
        root: of the corpus; compared only where it is the top of a checkout.
        facts: its `commit` is compared with; where it names none, or one that is not here, the checked out one.
        utterances: only the folders that they lie in are looked at; that one of their own files is missing is told
            where they are measured.
    """
    if not (root / ".git").exists():
        return []
    try:
        commit = _commit(root, facts)
        published = published_files(root, commit)
    except CorpusError as fault:
        log.warning("%s: not compared with the owners' commit: %s", facts.name, fault.got)
        return []
    rows = {utterance.path for utterance in utterances}
    folders = {path.rpartition("/")[0] for path in rows}
    return [
        *_other_commit(commit, facts.commit),
        *(
            fault
            for path, one in published.items()
            if path.rpartition("/")[0] in folders
            for fault in _compared(root, path, one, path in rows)
        ),
        *(
            Fault(path, FaultKind.UNEXPECTED, f"not in the owners' commit {commit[:8]}")
            for path in sorted(rows - published.keys())
            if (root / path).is_file()
        ),
    ]


def published_files(root: Path, commit: str) -> dict[str, Published]:
    """Relative path -> what the commit says of every sound file in it.

    Raises:
        CorpusError: git is not installed, or does not answer.
    """
    rows = _git(root, "ls-tree", "-r", "-l", "-z", commit).decode("utf-8", "surrogateescape").split("\0")
    files: dict[str, Published] = {}
    for row in filter(None, rows):
        about, _, path = row.partition("\t")
        _, kind, digest, size = about.split()
        if kind == "blob" and Path(path).suffix.lower() in SUFFIXES:
            files[path] = Published("blob", digest, int(size))
    short = {path: one for path, one in files.items() if one.size_bytes < _POINTER_BYTES}
    return files | dict(_pointers(root, short))


def _pointers(root: Path, short: Mapping[str, Published]) -> Iterator[tuple[str, Published]]:
    """Those of the short files that point to others; git answers for all of them at once."""
    asked = "".join(f"{one.digest}\n" for one in short.values())
    answer = _git(root, "cat-file", "--batch", given=asked.encode()) if short else b""
    end = 0
    for path, one in short.items():
        start = answer.index(b"\n", end) + 1  # behind a line with id, type and size
        end = start + one.size_bytes + 1
        match = _POINTER.match(answer[start:end])
        if match:
            yield path, Published("sha256", match["oid"].decode(), int(match["size"]))


def _commit(root: Path, facts: CorpusFacts) -> str:
    """The full id of the commit to compare with; another one than the facts name is told as a fault."""
    if facts.commit:
        with suppress(CorpusError):
            return _resolved(root, facts.commit)
    return _resolved(root, "HEAD")


def _resolved(root: Path, name: str) -> str:
    return _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode().strip()


def _git(root: Path, *words: str, given: bytes = b"") -> bytes:
    """Git's answer, about this checkout whatever the environment says, and without asking any server."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_NO_LAZY_FETCH"] = "1"
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and words of our own
            ["git", "-C", str(root), *words],  # noqa: S607 - the user's git, wherever it is
            input=given,
            capture_output=True,
            check=True,
            env=environment,
        )
    except OSError as fault:
        raise CorpusError("git cannot be run", got=f"git cannot be run: {fault.strerror}") from fault
    except subprocess.CalledProcessError as fault:
        told = fault.stderr.decode("utf-8", "replace").strip()
        raise CorpusError("git does not answer", got=f"git {words[0]}: {told or 'no answer'}") from fault
    return done.stdout


def _other_commit(commit: str, wanted: str) -> list[Fault]:
    if commit.startswith(wanted):
        return []
    message = f"the commit {wanted} is not in this checkout; compared with {commit[:8]}, which is checked out"
    return [Fault(".", FaultKind.OTHER_RELEASE, message)]


def _compared(root: Path, path: str, published: Published, has_row: bool) -> Iterator[Fault]:
    file = root / path
    if not file.is_file():
        if not has_row:
            yield Fault(path, FaultKind.MISSING, "it is in the owners' commit")
        return
    size = file.stat().st_size
    if _is_pointer(file, size):
        yield Fault(path, FaultKind.CONTENT, "only its pointer is here: git lfs pull")
    elif size != published.size_bytes:
        yield Fault(path, FaultKind.CONTENT, f"{size} bytes, published are {published.size_bytes}")
    elif (digest := _digest(file, published.algorithm, size)) != published.digest:
        message = f"{published.algorithm} {digest[:12]}, published is {published.digest[:12]}"
        yield Fault(path, FaultKind.CONTENT, message)


def _is_pointer(file: Path, size_bytes: int) -> bool:
    return size_bytes < _POINTER_BYTES and _POINTER.match(file.read_bytes()) is not None


def _digest(file: Path, algorithm: str, size_bytes: int) -> str:
    """As the commit names it: `git hash-object` puts the type and the length before the content."""
    if algorithm == "sha256":
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(f"blob {size_bytes}\0".encode(), usedforsecurity=False)
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
