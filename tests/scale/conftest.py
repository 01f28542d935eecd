"""A command with a plug-in whose workers stop at a gate, and what it leaves: stores, cells, tables."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from harness.cli import main

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PATIENCE_S = 240.0
RECIPE = (
    "run", "recipe=synthetic_5fold", "upstream=gated_energy", "head=gated_linear", "view=last", "track=false",
)  # fmt: skip
ENTRY_POINTS = """[emoharness.upstreams]
gated_energy = gated_plugin.energy
gated_levels = gated_plugin.levels
[emoharness.downstreams]
gated_linear = gated_plugin.nearest
"""


def wait_for(what: Callable[[], object], why: str, process: subprocess.Popen[str] | None = None) -> None:
    """Until it is so; fails where a process ends before, or after two minutes."""
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert process is None or process.poll() is None, (why, process.communicate())
        assert time.monotonic() < until, why
        time.sleep(0.02)


def for_processes(site: Path) -> dict[str, str]:
    """What lets a process find the plug-in; and what the first one has compiled, the many others need not."""
    return {
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        "PYTHONPYCACHEPREFIX": str(site.with_name("bytecode")),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(site.with_name("ray_token")),
    }


@pytest.fixture(name="wait_for")
def wait_for_fixture() -> Callable[..., None]:
    """Until it is so."""
    return wait_for


@dataclass
class Place:
    """Folders of one run of the command: its results, its features, its gate."""

    folder: Path
    site: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    named: str = "results"

    @property
    def gate(self) -> Path:
        return self.folder / "gate"

    @property
    def results(self) -> Path:
        """Relative in the command, as users write it."""
        return self.folder / self.named

    def use(self, results: str) -> None:
        """Another folder for what comes next."""
        self.named = results

    @property
    def environment(self) -> dict[str, str]:
        """For workers of a cluster as for the command itself; a cluster need not know the gate or the cache."""
        kept = {name: v for name, v in os.environ.items() if not name.startswith(("EMOHARNESS_", "RAY_"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return kept | for_processes(self.site) | {"OMP_NUM_THREADS": "1"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command, in a process group of its own, so that it can be lost with all its workers."""
        own = {"EMOHARNESS_CACHE": str(self.folder / "cache"), "EMOHARNESS_TEST_GATE": str(self.gate)}
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *RECIPE, f"results={self.named}", *words],
            env=self.environment | own, cwd=self.folder, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.running.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, out, err

    def open(self, *stages: str) -> None:
        for stage in stages:
            (self.gate / f"{stage}.open").touch()

    def waiting(self, stage: str) -> list[int]:
        """Processes that stand at the gate."""
        return [int(path.name.split(".")[1]) for path in self.gate.glob(f"{stage}.*.waiting")]

    def arrivals(self, stage: str) -> int:
        log = self.gate / f"{stage}.log"
        return len(log.read_text().split()) if log.exists() else 0

    def lose_one(self, stage: str, process: subprocess.Popen[str]) -> None:
        """Kill a worker in the middle of a piece, with results of others on disk, and let the rest go on."""
        wait_for(lambda: self.waiting(stage), f"a worker in the middle of {stage}", process)
        wait_for(self.shards if stage == "extract" else self.cells, f"a first result of {stage}", process)
        os.kill(self.waiting(stage)[0], signal.SIGKILL)
        self.open(stage)

    def shards(self) -> list[str]:
        """Names of the shards of features; a name is a hash of the content."""
        return sorted(path.name for path in self.folder.glob("cache/features/*/shards/*"))

    def cells(self) -> dict[str, str]:
        """Trained cells that are whole, with a hash of what they predicted."""
        return {
            path.stem: hashlib.sha256(path.with_suffix(".parquet").read_bytes()).hexdigest()
            for path in sorted(self.results.glob("cells/*/*.json"))
        }

    def tables(self) -> str:
        """The leaderboard without what the run cost: seconds are never the same."""
        with redirect_stdout(StringIO()) as said:
            assert main(["leaderboard", f"results={self.results}"]) == 0
        before, heading, _ = said.getvalue().partition("## What it cost")
        assert heading
        return before

    def predictions(self) -> bytes:
        (path,) = self.results.glob("predictions/*.parquet")
        return path.read_bytes()

    def scores(self) -> str:
        (path,) = self.results.glob("records/*.json")
        record = json.loads(path.read_text())
        return json.dumps({name: record[name] for name in ("key", "scores", "shortcuts", "protocol")})


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plug-in as pip would leave it."""
    folder = tmp_path_factory.mktemp("plugin") / "site"
    shutil.copytree(
        HERE / "gated_plugin", folder / "gated_plugin", ignore=shutil.ignore_patterns("__pycache__")
    )
    described = folder / "gated_plugin-0.1.dist-info"
    described.mkdir()
    folder.with_name("ray_token").write_text(secrets.token_hex(32))
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: gated-plugin\nVersion: 0.1\n")
    (described / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


@pytest.fixture
def cells(site: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The plug-in's toy cells, importable here and in every worker."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    for name, value in for_processes(site).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RAY_AUTH_MODE")  # Ray makes up its own mind where it starts a cluster in this process
    monkeypatch.syspath_prepend(site)
    return importlib.import_module("gated_plugin.cells")


@pytest.fixture(scope="session")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the synthetic voices, which are made once for all tests here."""
    return tmp_path_factory.mktemp("voices") / "cache"


def _place(folder: Path, site: Path, voices: Path) -> Place:
    place = Place(folder, site)
    place.gate.mkdir(parents=True)
    if voices.is_dir():
        shutil.copytree(voices, folder / "cache", ignore=shutil.ignore_patterns("features"))
    return place


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory, site: Path, audio: Path) -> Place:
    """The command in one process, which nothing disturbs: what all others are compared with."""
    place = _place(tmp_path_factory.mktemp("single"), site, audio)
    place.open("extract", "train")
    code, _, err = place.end(place.start("scale.workers=1"))
    assert code == 0, err
    shutil.copytree(place.folder / "cache", audio)
    return place


@pytest.fixture
def place(tmp_path: Path, site: Path, audio: Path, single: Place) -> Iterator[Place]:
    """A place of its own; whatever still runs there ends with the test."""
    place = _place(tmp_path / "run", site, audio)
    yield place
    for process in place.running:
        if process.poll() is None:
            for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                one.kill()
            process.communicate()


RAY_CLUSTER = """
import sys
from ray.cluster_utils import Cluster
common = {"object_store_memory": 80_000_000, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **common})
for _ in range(2):
    cluster.add_node(num_cpus=1, wait=False, **common)
cluster.wait_for_nodes()
print("at", cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@pytest.fixture
def ray_cluster(place: Place) -> Iterator[str]:
    """A real one on this machine: a head without a CPU, and two nodes of one CPU each. Its address.

    In a process of its own, which knows nothing of our cache, and asks for a token, as `ray start` does.
    """
    with subprocess.Popen(
        [sys.executable, "-c", RAY_CLUSTER], env=place.environment, cwd=place.folder, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as cluster:  # fmt: skip
        assert cluster.stdout is not None
        yield next(line.split()[1] for line in cluster.stdout if line.startswith("at "))
        assert cluster.stdin is not None
        cluster.stdin.close()


@pytest.fixture
def dask_cluster(place: Place) -> Iterator[str]:
    """A real one on this machine: a scheduler, and two workers of one thread each. Its address."""
    told = place.folder / "scheduler.json"
    environment = {"env": place.environment, "cwd": place.folder, "stderr": subprocess.DEVNULL}
    python, options = [sys.executable, "-m"], ["--no-dashboard", "--scheduler-file", str(told)]
    scheduler = subprocess.Popen(
        [*python, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *options],
        **environment,
    )
    wait_for(told.exists, "a scheduler")
    workers = subprocess.Popen(
        [*python, "distributed.cli.dask_worker", "--nworkers", "2", "--nthreads", "1", *options],
        **environment,
    )
    yield str(json.loads(told.read_text())["address"])
    for process in (workers, scheduler):
        for one in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            one.kill()
        process.wait()


@pytest.fixture
def assert_same(single: Place) -> Callable[[Place], None]:
    """Byte for byte: shards, cells, predictions, scores, tables."""

    def check(place: Place) -> None:
        assert place.shards() == single.shards()
        assert place.cells() == single.cells()
        assert place.predictions() == single.predictions()
        assert place.scores() == single.scores()
        assert place.tables() == single.tables()

    return check
