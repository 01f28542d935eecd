"""One worker and two, of every backend that is installed, by the command line alone."""

from __future__ import annotations

import importlib.util
from typing import Any

from benchmarks._cell import Cell, Measured, Scope
from benchmarks._figure import Figure, seconds
from benchmarks._measure import done, failure, median, ratios, spread
from benchmarks.ceilings import product_cell, product_rate

TITLE = "Scaling from one worker to two"
ABOUT = (
    "Whole commands on a fresh cache that holds the corpus and the exported graph alone, "
    "`scale.threads=1`: start-up of interpreters, clusters and models included. `extract` is wav2vec 2.0 "
    "base with random weights over 240 utterances; `run` trains `superb_linear`, 30,000 updates, on five "
    "folds with two seeds, features stored beforehand. `bytes` says whether the predictions (or the "
    "features) are the same, byte for byte, as with one worker. What a second core adds at all is told by "
    "products of matrices, by one process and by two."
)
SYNTHETIC = "SYNTHETIC voices and random weights."
PACKAGES = {"processes": "joblib", "ray": "ray", "dask": "distributed"}
_TARGET = "benchmarks._commands:"
_AIM = "as much as the products, same bytes"
_STAGES = ("extract", "run")
_ONE, _TWO = "float32, 1 x 1", "float32, 2 x 1"


def preparations(scope: Scope) -> list[Cell]:
    """Random weights and their graph; quick: none are needed."""
    weights = Cell(
        name="weights", target=f"{_TARGET}make_weights", settings={"folder": str(scope.folder / "weights")}
    )
    settings = {"folder": str(scope.folder), "engine": "auto"}
    graph = Cell(name="graph", target="benchmarks._extracting:export", settings=settings, threads=scope.cores)
    needed: list[Cell] = scope.pick([], [weights, graph])
    return needed


def cells(scope: Scope) -> list[Cell]:
    """Products alone, then one worker and two of each backend; clusters once, for they take long to start."""
    products = [product_cell(scope, "float32", processes, threads=1) for processes in (1, 2)]
    ways = [("processes", 1)] + [(name, 2) for name, package in PACKAGES.items() if _installed(package)]
    commands = [_cell(scope, stage, name, workers) for stage in _STAGES for name, workers in ways]
    return [*products, *commands]


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _cell(scope: Scope, stage: str, backend: str, workers: int) -> Cell:
    scale = [f"scale={backend}", f"scale.workers={workers}", "scale.threads=1"]
    recipe = ["recipe=synthetic_5fold", "results=RESULTS", *_upstream(scope)]
    before, words = _commands(scope, stage, recipe, scale)
    settings: dict[str, Any] = {
        "folder": str(scope.folder / "runs"),
        "name": f"{stage}-{backend}-{workers}",
        "before": [["-m", "harness", *one] for one in before],
        "words": ["-m", "harness", *words],
    }
    return Cell(
        name=f"{stage}, {workers} x {backend}",
        target=f"{_TARGET}in_fresh_cache",
        settings=settings,
        repetitions=None if backend == "processes" else 1,
        limit_s=1200,
    )


def _upstream(scope: Scope) -> list[str]:
    """Quick: one that needs no network."""
    base = ["upstream=wav2vec2_base", f"upstream.path={scope.folder / 'weights'}"]
    chosen: list[str] = scope.pick(["upstream=fbank"], base)
    return chosen


def _commands(
    scope: Scope, stage: str, recipe: list[str], scale: list[str]
) -> tuple[list[list[str]], list[str]]:
    """What has to be done beforehand, and what is measured."""
    if stage == "extract":
        return [["corpus", "check", "synthetic"]], ["extract", *recipe, *scale]
    cheap = ["recipe=synthetic_5fold", "results=RESULTS", "upstream=fbank"]
    updates = scope.pick(100, 30_000)
    head = ["head=superb_linear", f"head.updates={updates}", "view=weighted", "seeds=[0,1]", "track=false"]
    return [["extract", *cheap]], ["run", *cheap, *head, *scale]


def figures(measured: Measured) -> list[Figure]:
    """Each way beside one worker, and what two processes get out of this machine at best."""
    commands = [
        _figure(measured, name, first)
        for stage in _STAGES
        for first in [f"{stage}, 1 x processes"]
        for name in measured
        if name.startswith(stage) and name != first
    ]
    return [_products(measured), *commands]


def _products(measured: Measured) -> Figure:
    what = "matrix products alone, 2 processes"
    reason = failure(measured, _TWO) or failure(measured, _ONE)
    if reason:
        return Figure(what, _TWO, _ONE, reason)
    two, one = (f"{median(measured, name, product_rate):.0f} GFLOP/s" for name in (_TWO, _ONE))
    gain = spread(ratios(measured, _TWO, _ONE, product_rate))
    return Figure(what, two, f"one process {one}", gain, headline=True)


def _figure(measured: Measured, name: str, first: str) -> Figure:
    reason = failure(measured, name) or failure(measured, first)
    if reason:
        return Figure(name, name, first, reason)
    took = [seconds(median(measured, one, lambda v: float(v["wall_s"]))) for one in (name, first)]
    speed = spread(ratios(measured, first, name, lambda v: float(v["wall_s"])))
    left = {values["left"] for one in (name, first) for values in done(measured, one)}
    same = "same bytes" if len(left) == 1 and "" not in left else "OTHER BYTES"
    return Figure(name, took[0], f"one worker {took[1]}", f"{speed}, {same}", _AIM, headline=True)
