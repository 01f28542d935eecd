"""What a stage is given: cores, workers, places; and settings that cannot be meant."""

from __future__ import annotations

import multiprocessing
import socket
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.config import ScaleConfig, compose
from harness.record import public_overrides
from harness.scale import Look, Needs, TooLongError, asked_for, backends, threads_of, workers_here
from harness.scale import _look as look_module
from harness.scale import ray as ray_backend
from harness.scale._gpus import Gpus
from harness.scale._needs import cores_here
from harness.study import plan


def refused(words: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """What the command says of settings that it does not take; nothing is read or made before."""
    capfd.readouterr()
    assert main(["run", "recipe=synthetic_5fold", "track=false", *words]) == 2
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert said.count("harness: ") == 1
    return said


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["scale.workers=0"], "scale.workers, at least 1"),
        (["scale.threads=0"], "scale.threads, at least 1"),
        (["scale.retries=-1", "scale.gpus=-1"], "scale.retries, at least 0; scale.gpus, at least 0"),
        (["scale.memory_gib=0"], "scale.memory_gib, more than 0"),
        (["scale.memory_gib=nan"], "scale.memory_gib, more than 0"),
        (["scale.address=auto"], "processes are of this machine"),
        (["scale=ray", "scale.address=somewhere"], "HOST:PORT of the head"),
        (["scale=ray", "scale.address=tcp://host:8786"], "HOST:PORT of the head"),
        (["scale=ray", "scale.address=ray://host:10001"], "on a machine of the cluster"),
        (["scale=dask", "scale.address=auto"], "tcp://HOST:PORT of the scheduler"),
        (["scale=dask", "scale.address=tcp://host:123456"], "tcp://HOST:PORT of the scheduler"),
        (["scale=spark"], "one of dask, processes, ray"),
    ],
)
def test_refused_before_anything_is_read(
    words: list[str], wanted: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert wanted in refused([*words, f"results={tmp_path}/r", "corpus.root=/nowhere"], capfd)
    assert not (tmp_path / "r").exists()


def test_a_package_that_is_not_installed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_backend, "PACKAGE", "a_package_that_nobody_has")
    assert 'pip install "emoharness[ray]"' in refused(["scale=ray", f"results={tmp_path}/r"], capfd)


@pytest.mark.parametrize(("name", "scheme"), [("ray", ""), ("dask", "tcp://")])
def test_nobody_listens(name: str, scheme: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as closed:  # bound, so that nobody else takes the port, and not listening
        closed.bind(("127.0.0.1", 0))
        place = f"{scheme}127.0.0.1:{closed.getsockname()[1]}"
        words = [f"scale={name}", f"scale.address={place}", "upstream=fbank", f"results={tmp_path}/r"]
        assert "cannot be reached" in refused(words, capfd)


def test_every_backend_has_its_recipe_part(project_root: Path) -> None:
    parts = {path.stem for path in (project_root / "recipes" / "scale").glob("*.yaml")}
    assert set(backends()) == parts == {"processes", "ray", "dask"}


@given(cells=st.integers(1, 5000), workers=st.none() | st.integers(1, 64), name=st.sampled_from(backends()))
def test_threads_follow_from_the_stage_alone(cells: int, workers: int | None, name: str) -> None:
    """Else one worker and two could round differently."""
    threads = threads_of(ScaleConfig(name=name, workers=workers), cells)
    assert threads == threads_of(ScaleConfig(), cells) == max(1, cores_here() // cells)
    assert threads_of(ScaleConfig(workers=workers, threads=3), cells) == 3


def test_workers_of_this_machine() -> None:
    cores = cores_here()
    assert workers_here(ScaleConfig(), Needs()) == cores
    assert workers_here(ScaleConfig(), Needs(threads=cores)) == 1
    assert workers_here(ScaleConfig(), Needs(memory_gib=1e9)) == 1
    assert workers_here(ScaleConfig(workers=7), Needs(threads=cores, memory_gib=1e9)) == 7


def test_when_workers_are_asked_for() -> None:
    assert not asked_for(ScaleConfig())
    assert asked_for(ScaleConfig(workers=2))
    assert asked_for(ScaleConfig(name="ray"))
    assert not asked_for(ScaleConfig(name="ray", workers=1))


def test_a_look_gives_up_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is moved: 6 s for 5 % of ten cells leave two minutes, 6 s for half of them leave 6 s."""
    now = [0.0]
    monkeypatch.setattr(look_module.time, "monotonic", lambda: now[0])
    told: list[tuple[float, float]] = []
    looks = {worth: Look(10, worth_it=worth).over(lambda *s: told.append(s)) for worth in (True, False)}
    looks[True](0.1, 10)
    now[0] = 6.0
    looks[True](5.0, 10)
    looks[False](0.5, 10)
    with pytest.raises(TooLongError):
        looks[True](0.5, 10)
    now[0] = 1000.0
    looks[True](9.1, 10)  # nobody could help with the last cell
    assert told == [(0.1, 10), (5.0, 10), (0.5, 10), (9.1, 10)]


def test_places_and_scales_stay_out_of_records_and_keys() -> None:
    assert public_overrides(["scale=ray", "scale.address=10.0.0.1:6379", "scale.workers=2"]) == [
        "scale=ray", "scale.workers=2",
    ]  # fmt: skip
    words = ["upstream=fbank", "scale.threads=2", "scale.retries=9", "scale.workers=2"]
    plain, scaled = (plan(compose("synthetic_5fold", said)) for said in (words[:1], words))
    assert (plain.key, plain.cell_key) == (scaled.key, scaled.cell_key)


def _hold(gpus: Gpus, ways: Connection) -> None:
    import os

    gpus.take()
    ways.send(os.environ["CUDA_VISIBLE_DEVICES"])
    ways.recv()


def test_each_process_takes_a_gpu_of_its_own(tmp_path: Path) -> None:
    """Until it is killed: then the next process takes that one."""
    context = multiprocessing.get_context("fork")

    def start() -> tuple[multiprocessing.process.BaseProcess, str]:
        here, there = context.Pipe()
        process = context.Process(target=_hold, args=(Gpus(tmp_path, ("4", "7")), there), daemon=True)
        process.start()
        ways.append(here)
        assert here.poll(60)
        return process, here.recv()

    ways: list[Connection] = []
    (first, one), (second, other) = start(), start()
    assert [one, other] == ["4", "7"]
    first.kill()
    first.join()
    third, freed = start()
    assert freed == "4"
    for process in (second, third):
        process.kill()
        process.join()
