"""`corpus get`, as one types it: a corpus package joined by entry points, a real server, a real folder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.cli import main

MODULE = '''
"""Four clips that exist for these tests."""

from harness.contracts import CorpusFacts, Download, Utterance
from harness.errors import CorpusError

FACTS = CorpusFacts(
    name="mini", title="Mini corpus", languages=("en",), licence="CC BY 4.0, for tests", access="open: here",
    citation="Nobody et al., 2020", labels={{"a": "anger", "n": "neutral"}}, utterances=4, speakers=2,
    sample_rate_hz=16_000, downloads={downloads},
)


def read(root):
    paths = sorted(root.glob("wav/*.wav"))
    if not paths:
        raise CorpusError("this folder is not the root of Mini corpus", got=root, wanted="wav/s1_a.wav")
    return [
        Utterance(id=path.stem, path=f"wav/{{path.name}}", label_raw=path.stem[-1], speaker=path.stem[:2])
        for path in paths
    ]
'''
Corpus = Callable[..., None]


def sounds() -> dict[str, bytes]:
    draw = np.random.default_rng(0)
    files = {}
    for name in ("s1_a", "s1_n", "s2_a", "s2_n"):
        buffer = io.BytesIO()
        samples = draw.integers(-9000, 9000, 3200, dtype=np.int16)
        soundfile.write(buffer, samples, 16_000, format="WAV", subtype="PCM_16")
        files[f"wav/{name}.wav"] = buffer.getvalue()
    return files


def packed(files: dict[str, bytes], prefix: str = "", comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(prefix + name, content)
        archive.comment = comment
    return buffer.getvalue()


BODY = packed(sounds(), "Mini-1.0/")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """Install (again) the corpus `mini` with these downloads, as (url, keyword arguments)."""
    folder = tmp_path / "site"
    (folder / "mini-1.dist-info").mkdir(parents=True)
    (folder / "mini-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mini\nVersion: 1\n")
    points = "[emoharness.corpora]\nmini = mini_corpus_of_tests\n"
    (folder / "mini-1.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("EMOHARNESS_CACHE", str(tmp_path / "cache"))

    def install(*downloads: tuple[str, dict[str, Any]]) -> None:
        calls = [
            f"Download(url={url!r}, {', '.join(f'{k}={v!r}' for k, v in more.items())})"
            for url, more in downloads
        ]
        text = MODULE.format(downloads="(" + "".join(f"{call}, " for call in calls) + ")")
        (folder / "mini_corpus_of_tests.py").write_text(text)
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        monkeypatch.delitem(sys.modules, "mini_corpus_of_tests", raising=False)

    return install


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def receipt(target: Path) -> Any:
    return json.loads((target.with_name(target.name + ".get") / "receipt.json").read_text())


def test_the_whole_story(site: Any, package: Corpus, tmp_path: Path, capsys: Any) -> None:
    url = site.put("/mini.zip", BODY)
    md5 = f"md5:{hashlib.md5(BODY).hexdigest()}"
    package((url, {"size_bytes": len(BODY), "checksum": md5}))
    assert main(["corpus", "get", "mini"]) == 0
    told = capsys.readouterr()
    target = tmp_path / "cache" / "corpora" / "mini"
    for known in ("CC BY 4.0, for tests", "Nobody et al., 2020", url, "27.", md5):
        assert known in told.out
    assert told.out.index("licence") < told.out.index("corpus.root=")
    assert f"corpus.root={target}/Mini-1.0\n" in told.out
    assert names(target) == sorted(f"Mini-1.0/{name}" for name in sounds())
    (row,) = receipt(target)["files"]
    assert (row["url"], row["published"], row["size_bytes"]) == (url, md5, len(BODY))
    assert row["sha256"] == hashlib.sha256(BODY).hexdigest()
    assert receipt(target)["finished"]
    assert main(["corpus", "check", "mini", f"root={target}/Mini-1.0"]) == 0


def test_licence_and_citation_come_before_the_first_request(site: Any, package: Corpus, capsys: Any) -> None:
    package((site.address + "/gone.zip", {}))
    assert main(["corpus", "get", "mini"]) == 2
    told = capsys.readouterr()
    assert "CC BY 4.0, for tests" in told.out
    assert "404" in told.err
    assert "Traceback" not in told.err


def test_a_finished_corpus_is_not_fetched_again(
    site: Any, package: Corpus, tmp_path: Path, capsys: Any
) -> None:
    package((site.put("/mini.zip", BODY), {}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0
    first = capsys.readouterr().out
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0
    told = capsys.readouterr()
    assert told.out == first
    assert "not fetched again" in told.err
    assert len(site.requests) == 1


def test_archives_stay_only_where_they_are_wanted(site: Any, package: Corpus, tmp_path: Path) -> None:
    package((site.put("/mini.zip", BODY), {}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/a", "keep_archives=true"]) == 0
    assert main(["corpus", "get", "mini", f"to={tmp_path}/b"]) == 0
    assert (tmp_path / "a.get" / "archives" / "mini.zip").read_bytes() == BODY
    assert not (tmp_path / "b.get" / "archives").exists()
    assert not (tmp_path / "a.get" / "pending").exists()


def test_several_files_in_their_folders(site: Any, package: Corpus, tmp_path: Path, capsys: Any) -> None:
    """Two archives of the same name, and a table that is no archive."""
    files = sounds()
    parts = [dict(list(files.items())[:2]), dict(list(files.items())[2:])]
    package(
        (site.put("/one/data.zip", packed(parts[0])), {"folder": "Mini"}),
        (site.put("/two/data.zip", packed(parts[1])), {"folder": "Mini"}),
        (site.put("/labels.csv?download=1", b"a,b\n"), {"folder": "Mini", "unpack": False}),
    )
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0
    assert names(tmp_path / "mine" / "Mini") == sorted([*files, "labels.csv"])
    assert f"corpus.root={tmp_path}/mine/Mini\n" in capsys.readouterr().out


def test_no_open_address(package: Corpus, capsys: Any) -> None:
    package()
    assert main(["corpus", "get", "mini"]) == 2
    told = capsys.readouterr()
    for known in ("open: here", "CC BY 4.0, for tests", "Nobody et al., 2020"):
        assert known in told.out
    assert told.err.count("harness:") == 1
    assert "nothing can be fetched" in told.err


@pytest.mark.parametrize("words", [["keep_archives=maybe"], ["to="], ["root=x"], ["too"], ["to=/"]])
def test_wrong_words(package: Corpus, words: list[str], capsys: Any, site: Any) -> None:
    package((site.put("/mini.zip", BODY), {}))
    assert main(["corpus", "get", "mini", *words]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_target_that_holds_something_is_left_alone(
    site: Any, package: Corpus, tmp_path: Path, capsys: Any
) -> None:
    package((site.put("/mini.zip", BODY), {}))
    (tmp_path / "mine").mkdir()
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    assert main(["corpus", "get", "mini", f"to={tmp_path}/other"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert names(tmp_path / "other") == ["thesis.tex"]


def test_another_release_does_not_replace_the_first(
    site: Any, package: Corpus, tmp_path: Path, capsys: Any
) -> None:
    package((site.put("/mini.zip", BODY), {}))
    assert main(["corpus", "get", "mini"]) == 0
    package((site.put("/mini-2.zip", BODY), {}))
    assert main(["corpus", "get", "mini"]) == 2
    assert "another release" in capsys.readouterr().err


def test_a_changed_file_is_held_against_the_receipt(
    site: Any, package: Corpus, tmp_path: Path, capsys: Any
) -> None:
    """The owners publish no checksum, the folder was deleted, and the address now gives something else."""
    package((site.put("/mini.zip", BODY), {}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0
    assert hashlib.sha256(BODY).hexdigest() in capsys.readouterr().err
    shutil.rmtree(tmp_path / "mine")
    site.put("/mini.zip", packed(sounds(), "Mini-evil/"), etag='"two"')
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 2
    assert "the first copy had" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
    site.put("/mini.zip", BODY, etag='"three"')
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0


def test_a_tampered_archive(site: Any, package: Corpus, tmp_path: Path, capsys: Any) -> None:
    package((site.put("/mini.zip", BODY + b"x"), {"checksum": f"md5:{hashlib.md5(BODY).hexdigest()}"}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 2
    assert "not the file that was expected" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
    assert names(tmp_path / "mine.get") in ([], ["lock"])


def test_a_truncated_archive_is_fetched_afresh_next_time(
    site: Any, package: Corpus, tmp_path: Path, capsys: Any
) -> None:
    """No length, no checksum: only unpacking shows that the end is missing."""
    package((site.put("/mini.zip", BODY[:-3000], says_length=False), {}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 2
    assert "truncated or damaged" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()
    site.put("/mini.zip", BODY, etag='"two"')
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0


def test_a_damaged_archive_with_the_published_checksum_is_the_owners_affair(
    site: Any, package: Corpus, tmp_path: Path, capsys: Any
) -> None:
    body = BODY[:-3000]
    package((site.put("/mini.zip", body), {"checksum": f"sha256:{hashlib.sha256(body).hexdigest()}"}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 2
    assert "the owners' own file is damaged" in capsys.readouterr().err


def test_an_evil_archive_leaves_nothing(site: Any, package: Corpus, tmp_path: Path, capsys: Any) -> None:
    package((site.put("/mini.zip", packed({**sounds(), "../evil.txt": b"evil"})), {}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/deep/mine"]) == 2
    assert "evil.txt" in capsys.readouterr().err
    assert not list(tmp_path.rglob("evil.txt"))
    assert not (tmp_path / "deep" / "mine").exists()
    assert not (tmp_path / "deep" / "mine.get" / "pending").exists()


def test_a_layout_that_the_module_does_not_read(
    site: Any, package: Corpus, tmp_path: Path, capsys: Any
) -> None:
    package((site.put("/mini.zip", packed({"readme.txt": b"moved"})), {}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 2
    assert "not the one that is read" in capsys.readouterr().err
    assert names(tmp_path / "mine") == ["readme.txt"]


COMMIT = "4b546d4e00112233445566778899aabbccddeeff"


def test_the_archive_of_a_commit(site: Any, package: Corpus, tmp_path: Path, capsys: Any) -> None:
    """Packed anew on request: other bytes, the same commit."""
    path = "/owner/mini/archive/4b546d4.zip"
    package((site.put(path, packed(sounds(), f"mini-{COMMIT}/", COMMIT.encode()), says_length=False), {}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0
    shutil.rmtree(tmp_path / "mine")
    site.put(path, packed({"new": b"", **sounds()}, f"mini-{COMMIT}/", COMMIT.encode()), etag='"two"')
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0
    assert f"corpus.root={tmp_path}/mine/mini-{COMMIT}\n" in capsys.readouterr().out


@pytest.mark.parametrize("comment", [b"", b"0" * 40])
def test_the_archive_of_another_commit(
    site: Any, package: Corpus, tmp_path: Path, capsys: Any, comment: bytes
) -> None:
    package((site.put("/owner/mini/archive/4b546d4.zip", packed(sounds(), "x/", comment)), {}))
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 2
    assert "does not hold the commit" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


def test_what_is_left_of_a_killed_unpacking_is_cleaned(site: Any, package: Corpus, tmp_path: Path) -> None:
    package((site.put("/mini.zip", BODY), {}))
    (tmp_path / "mine.get" / "pending" / "half").mkdir(parents=True)
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0
    assert not (tmp_path / "mine.get" / "pending").exists()
    assert "half" not in {path.name for path in (tmp_path / "mine").iterdir()}


def test_a_damaged_receipt_is_told(site: Any, package: Corpus, tmp_path: Path, capsys: Any) -> None:
    package((site.put("/mini.zip", BODY), {}))
    (tmp_path / "mine.get").mkdir()
    (tmp_path / "mine.get" / "receipt.json").write_text("{")
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 2
    assert "receipt" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_program_that_is_killed_is_taken_up_by_the_next(site: Any, package: Corpus, tmp_path: Path) -> None:
    """A real process, stopped by a real signal in the middle of a real transfer."""
    package((site.put("/mini.zip", BODY, cuts=[10_000], statuses=[]), {}))
    page = site.pages["/mini.zip"]
    command = [sys.executable, "-m", "harness", "corpus", "get", "mini", f"to={tmp_path}/mine"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    part = tmp_path / "mine.get" / "archives" / "mini.zip.part"
    page.statuses = []
    deadline = time.monotonic() + 240
    while not (part.exists() and part.stat().st_size >= 10_000) and time.monotonic() < deadline:
        page.statuses = [503] if site.requests else []
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=240)
    assert running.returncode == 130, told
    assert b"goes on from there" in told
    assert part.read_bytes() == BODY[:10_000]
    page.statuses = []
    assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 0
    assert site.sent_bytes == len(BODY)


def test_two_programs_do_not_share_a_place(site: Any, package: Corpus, tmp_path: Path, capsys: Any) -> None:
    from harness.store import claims

    package((site.put("/mini.zip", BODY), {}))
    with claims.take(tmp_path / "mine.get", "fetch"):
        assert main(["corpus", "get", "mini", f"to={tmp_path}/mine"]) == 2
    assert "another program" in capsys.readouterr().err
