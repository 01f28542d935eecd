"""A checkout is held against its owners' commit: a real git repository, real commits."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.corpora import check_corpus
from harness.corpora._git import git_faults, published_files
from harness.manifest import FaultKind

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

Git = Callable[..., str]


@pytest.fixture
def git(toy: Any) -> Git:
    """Git in the folder of the toy corpus, which is committed."""

    def run(*words: str) -> str:
        options = ["-c", "user.name=owner", "-c", "user.email=owner@example.org", "-c", "core.autocrlf=false"]
        command = ["git", "-C", str(toy.root), *options, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "--quiet")
    run("add", ".")
    run("commit", "--quiet", "-m", "six clips")
    return run


def told(toy: Any) -> list[tuple[str, FaultKind]]:
    return [(fault.path, fault.kind) for fault in git_faults(toy.root, toy.FACTS, toy.rows)]


def flip_last_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_sound_checkout_has_no_faults(toy: Any, git: Git) -> None:
    assert told(toy) == []
    assert check_corpus(toy, toy.root).ok


def test_the_digests_are_gits_own(toy: Any, git: Git) -> None:
    published = published_files(toy.root, git("rev-parse", "HEAD"))
    assert {path: one.digest for path, one in published.items()} == {
        f"wav/u{i}.wav": git("hash-object", f"wav/u{i}.wav") for i in range(6)
    }


def test_one_bit_is_told_by_name(toy: Any, git: Git) -> None:
    """Same length, same rate, same names: only the owners' checksum sees it."""
    flip_last_bit(toy.root / "wav" / "u3.wav")
    assert told(toy) == [("wav/u3.wav", FaultKind.CONTENT)]
    report = check_corpus(toy, toy.root)
    assert [(fault.path, fault.kind) for fault in report.faults] == [("wav/u3.wav", FaultKind.CONTENT)]


def test_a_change_that_was_committed_is_seen_by_the_pinned_commit(toy: Any, git: Git) -> None:
    toy.FACTS = dataclasses.replace(toy.FACTS, commit=git("rev-parse", "--short=8", "HEAD"))
    flip_last_bit(toy.root / "wav" / "u3.wav")
    git("commit", "--quiet", "-am", "louder")
    assert told(toy) == [("wav/u3.wav", FaultKind.CONTENT)]


def test_a_pinned_commit_that_is_not_here_is_told(toy: Any, git: Git) -> None:
    toy.FACTS = dataclasses.replace(toy.FACTS, commit="4b546d4e")
    assert told(toy) == [(".", FaultKind.OTHER_RELEASE)]


def test_missing_and_extra_files(toy: Any, git: Git) -> None:
    """A row's own missing file is told once, by the one who measures it; a file without a row here."""
    lost, toy.rows = toy.rows[0], toy.rows[1:]
    (toy.root / lost.path).unlink()
    (toy.root / "wav" / "u9.wav").write_bytes((toy.root / "wav" / "u1.wav").read_bytes())
    toy.rows.append(dataclasses.replace(lost, id="u9", path="wav/u9.wav"))
    (toy.root / "wav" / "u5.wav").unlink()
    assert told(toy) == [("wav/u0.wav", FaultKind.MISSING), ("wav/u9.wav", FaultKind.UNEXPECTED)]
    missing = [fault for fault in check_corpus(toy, toy.root).faults if fault.kind is FaultKind.MISSING]
    assert [fault.path for fault in missing] == ["wav/u5.wav", "wav/u0.wav"]


def pointer(content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


def test_large_file_storage(toy: Any, git: Git) -> None:
    """The commit holds pointers, the checkout the sound: right, changed, and never pulled."""
    contents = {path: path.read_bytes() for path in sorted((toy.root / "wav").iterdir())}
    for path, content in contents.items():
        path.write_text(pointer(content))
    git("commit", "--quiet", "-am", "into LFS")
    for path, content in list(contents.items())[:5]:
        path.write_bytes(content)
    flip_last_bit(toy.root / "wav" / "u1.wav")
    found = git_faults(toy.root, toy.FACTS, toy.rows)
    assert [(fault.path, fault.kind) for fault in found] == [
        ("wav/u1.wav", FaultKind.CONTENT),
        ("wav/u5.wav", FaultKind.CONTENT),
    ]
    assert "sha256" in found[0].message
    assert "git lfs pull" in found[1].message


def test_a_name_beyond_ascii(toy: Any, git: Git) -> None:
    (toy.root / "wav" / "u0.wav").rename(toy.root / "wav" / "Colère.wav")
    toy.rows[0] = dataclasses.replace(toy.rows[0], path="wav/Colère.wav")
    git("add", ".")
    git("commit", "--quiet", "-am", "French")
    assert told(toy) == []
    flip_last_bit(toy.root / "wav" / "Colère.wav")
    assert told(toy) == [("wav/Colère.wav", FaultKind.CONTENT)]


def test_the_environment_does_not_lead_elsewhere(
    toy: Any, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert published_files(toy.root, "HEAD")


def test_a_folder_that_only_looks_like_a_checkout(toy: Any, caplog: pytest.LogCaptureFixture) -> None:
    (toy.root / ".git").mkdir()
    assert told(toy) == []
    assert "not compared" in caplog.text


def test_a_folder_without_git(toy: Any) -> None:
    assert told(toy) == []


def test_a_machine_without_git(
    toy: Any, git: Git, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "")
    assert told(toy) == []
    assert "git cannot be run" in caplog.text
