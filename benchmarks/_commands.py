"""Commands as a user types them, each in an interpreter of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks._cell import Afterwards, Values, Work
from benchmarks._measure import ROOT


def python(words: list[str], environment: dict[str, str] | None = None) -> str:
    """What an interpreter with these arguments says.

    Raises:
        RuntimeError: it fails; with the last thing that it said.
    """
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=os.environ | (environment or {}), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise RuntimeError(f"{' '.join(words[:4])}: {said[-1] if said else done.returncode}")
    return done.stdout + done.stderr


def command(settings: Values) -> Work:
    """Work: one interpreter with `words`, which may use all cores and has to say `expects`."""

    def work() -> Values:
        said = python(settings["words"], _all_cores())
        if settings["expects"] not in said:
            raise RuntimeError(f"{' '.join(settings['words'])} does not say {settings['expects']!r}")
        return {}

    return work


def _all_cores() -> dict[str, str]:
    """The harness decides how many threads its workers have; the measuring process says nothing about it."""
    count = str(os.cpu_count() or 1)
    return {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}


def in_fresh_cache(settings: Values) -> Work:
    """Prepare: a cache, and what must be there before. Work: the command. Check: a hash of what it left."""
    folder = Path(settings["folder"]) / f"{settings['name']}-{settings['repetition']}"
    folder.mkdir(parents=True)
    environment = _all_cores() | {"EMOHARNESS_CACHE": str(folder / "cache")}
    _share_graphs(folder / "cache")
    words = [word.replace("RESULTS", str(folder / "results")) for word in settings["words"]]
    for before in settings["before"]:
        python([word.replace("RESULTS", str(folder / "results")) for word in before], environment)

    def work() -> Afterwards:
        python(words, environment)
        return Afterwards({}, lambda: {"left": left_behind(folder)})

    return work


def _share_graphs(cache: Path) -> None:
    """A checkpoint is exported once, not once per measurement: the section's graphs lie in this cache too."""
    graphs = Path(os.environ["EMOHARNESS_CACHE"]) / "graphs"
    if graphs.is_dir():
        shutil.copytree(graphs, cache / "graphs", copy_function=os.link)


def left_behind(folder: Path) -> str:
    """A hash of the predictions of a run, or of the features of an extraction: the same bytes, the same hash."""
    predictions = sorted((folder / "results" / "predictions").glob("*.parquet"))
    shards = sorted((folder / "cache" / "features").rglob("shards/*/*.npy"))
    digest = hashlib.sha256()
    for path in predictions or shards:
        digest.update(path.name.encode() if predictions else f"{path.parent.name}/{path.name}".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest() if predictions or shards else ""


def make_weights(settings: Values) -> Work:
    """Work: random weights of the base model in a folder."""

    def work() -> Values:
        from benchmarks._plain_extraction import save_random_base

        save_random_base(Path(settings["folder"]))
        return {}

    return work
