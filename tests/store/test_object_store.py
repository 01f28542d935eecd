"""A store in a bucket of a real server on this machine, from the command line and from several processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import fsspec
import numpy as np
import pytest

from harness.cli import main
from harness.store import Store, open_store
from harness.store.mirror import Remote

Start = Callable[..., "subprocess.Popen[str]"]
RUN = ("run", "recipe=synthetic_5fold", "upstream=mfcc", "head=lda", "track=false")
UTTERANCES = 150
LAYERS = (1,)


@pytest.fixture(scope="module")
def whole(toy: ModuleType, uninterrupted: Path) -> Store:
    return Store(uninterrupted, toy.key())


@pytest.fixture
def new_machine(cache: Path, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Makes a cache that holds the made-up voices and nothing else, and tells how to use it."""

    def made(name: str) -> dict[str, str]:
        folder = tmp_path / name
        folder.mkdir()
        (cache / "corpora").mkdir(exist_ok=True)
        (folder / "corpora").symlink_to(cache / "corpora")
        return {"EMOHARNESS_CACHE": str(folder)}

    return made


def features(s3: Any, bucket: str) -> dict[str, str]:
    return {key: tag for key, tag in s3.contents(bucket).items() if "/cells/" not in key}


def read_record(results: Path) -> dict[str, Any]:
    (path,) = (results / "records").glob("*.json")
    return json.loads(path.read_text())


def check_sound(toy: ModuleType, corpus: Path, address: str, whole: Store) -> None:
    ids = [source.id for source in toy.sources(corpus)]
    store = open_store(address, toy.key())
    assert store.missing(ids, [1]) == []
    assert sorted(store._catalogue.shards) == sorted(whole._catalogue.shards)
    np.testing.assert_array_equal(store.means(ids), whole.means(ids))
    np.testing.assert_array_equal(store.frames(ids, 1).values, whole.frames(ids, 1).values)


def test_a_lost_machine_loses_nothing(
    s3: Any,
    new_machine: Callable[[str], dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """One run from the command line; two more on machines that have only the bucket."""
    bucket = s3.bucket()
    words = [*RUN, f"store=s3://{bucket}/some/where"]
    environment = os.environ | new_machine("first") | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "harness", *words, f"results={tmp_path / 'one'}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "extracted 240 utterances" in done.stdout
    stored = s3.contents(bucket)
    assert sum("/cells/" in key for key in stored) == 10
    assert not [*Path(environment["EMOHARNESS_CACHE"]).glob("features/*")]

    monkeypatch.setenv("EMOHARNESS_CACHE", new_machine("second")["EMOHARNESS_CACHE"])
    assert main([*words, f"results={tmp_path / 'two'}", "force=true"]) == 0
    assert "extracted" not in capfd.readouterr().out
    assert features(s3, bucket) == {key: tag for key, tag in stored.items() if "/cells/" not in key}

    monkeypatch.setenv("EMOHARNESS_CACHE", new_machine("third")["EMOHARNESS_CACHE"])
    pushed: list[str] = []
    monkeypatch.setattr(Remote, "push", lambda self, files, last: pushed.append(last))
    assert main([*words, f"results={tmp_path / 'three'}"]) == 0
    assert pushed == [], "all cells were at the bucket: none was trained"
    assert not [*tmp_path.glob("third/mirrors")], "nor were features wanted"
    scores = [read_record(tmp_path / name)["scores"] for name in ("one", "two", "three")]
    assert scores[0] == scores[1] == scores[2]
    assert bucket not in json.dumps(read_record(tmp_path / "one"))


def test_a_killed_upload_leaves_what_was_whole(
    s3: Any,
    toy: ModuleType,
    *,
    start_toy: Start,
    corpus: Path,
    whole: Store,
    new_machine: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bucket = s3.bucket()
    address = f"s3://{bucket}"
    process = start_toy(corpus, address, 0.1, 1, **s3.environment, **new_machine("first"))
    deadline = time.monotonic() + 240
    while not any(key.endswith("index.json") for key in s3.contents(bucket)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = s3.contents(bucket)
    shards = sum(key.endswith("index.json") for key in kept)
    assert 0 < shards < 3
    monkeypatch.setenv("EMOHARNESS_CACHE", new_machine("second")["EMOHARNESS_CACHE"])
    assert toy.run(corpus, address, layers=LAYERS).shards == 3 - shards
    assert kept.items() <= s3.contents(bucket).items()
    check_sound(toy, corpus, address, whole)


def test_two_machines_fill_one_bucket(
    s3: Any,
    toy: ModuleType,
    *,
    start_toy: Start,
    corpus: Path,
    whole: Store,
    new_machine: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = f"s3://{s3.bucket()}/p"
    both = [
        start_toy(corpus, address, 0.01, 1, **s3.environment, **new_machine(name)) for name in ("one", "two")
    ]
    for process in both:
        assert process.wait(timeout=240) == 0, process.communicate()
    monkeypatch.setenv("EMOHARNESS_CACHE", new_machine("three")["EMOHARNESS_CACHE"])
    check_sound(toy, corpus, address, whole)


def test_damaged_and_lost_objects_are_made_again(
    s3: Any,
    toy: ModuleType,
    *,
    corpus: Path,
    whole: Store,
    new_machine: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bucket = s3.bucket()
    address = f"s3://{bucket}/p"
    monkeypatch.setenv("EMOHARNESS_CACHE", new_machine("first")["EMOHARNESS_CACHE"])
    toy.run(corpus, address, layers=LAYERS)
    sound = s3.contents(bucket)
    means = sorted(key for key in sound if key.endswith("means.npy"))
    size = s3.client.head_object(Bucket=bucket, Key=means[0])["ContentLength"]
    s3.client.put_object(Bucket=bucket, Key=means[0], Body=bytes(size))
    s3.client.delete_object(Bucket=bucket, Key=means[1])
    monkeypatch.setenv("EMOHARNESS_CACHE", new_machine("second")["EMOHARNESS_CACHE"])
    assert toy.run(corpus, address, layers=LAYERS).shards == 2
    assert s3.contents(bucket) == sound
    monkeypatch.setenv("EMOHARNESS_CACHE", new_machine("third")["EMOHARNESS_CACHE"])
    check_sound(toy, corpus, address, whole)


def test_what_others_upload_is_seen(
    s3: Any,
    toy: ModuleType,
    *,
    corpus: Path,
    whole: Store,
    new_machine: Callable[[str], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Listings are asked for anew: the client's own memory of them does not know what other machines do."""
    bucket, ids = s3.bucket(), [source.id for source in toy.sources(corpus)]
    monkeypatch.setenv("EMOHARNESS_CACHE", new_machine("one")["EMOHARNESS_CACHE"])
    store, (first, *others) = open_store(f"s3://{bucket}/p", toy.key()), sorted(whole._catalogue.shards)
    for shards, left in (([first], True), (others, False)):
        for path in [file for name in shards for file in (whole.path / "shards" / name).iterdir()]:
            key = f"p/{path.relative_to(whole.path.parent)}"
            s3.client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
        store.refresh()
        assert bool(store.missing(ids, [1])) == left


# ------------------------------------------------------------------------------------------------- refusals


def refused(capfd: pytest.CaptureFixture[str], tmp_path: Path, store: str) -> str:
    """The one message of a run that cannot reach its store."""
    capfd.readouterr()
    assert main([*RUN, f"store={store}", f"results={tmp_path / 'results'}"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("harness:") == 1
    assert "Traceback" not in err
    assert "made-up-secret" not in err
    return err


def test_no_such_bucket(s3: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "make the bucket first" in refused(capfd, tmp_path, "s3://no-such-bucket/p")


def test_no_credentials(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "AWS_ACCESS_KEY_ID" in refused(capfd, tmp_path, f"s3://{s3.bucket()}/p")


def test_no_server(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": url})
        assert "FSSPEC_S3_ENDPOINT_URL" in refused(capfd, tmp_path, "s3://bucket/p")
