"""Time and memory of the steps of a run while the corpus, or the upstream, grows a hundredfold."""

from __future__ import annotations

from benchmarks._cell import Cell, Measured, Scope
from benchmarks._figure import Figure, seconds
from benchmarks._measure import done, failure, median

TITLE = "Growth"
ABOUT = (
    "Each step in a process of its own, through the harness's own functions: extraction with an upstream "
    "that costs next to nothing, opening the store and asking what is missing (all checksums), putting the "
    "view together, `superb_linear` for a fixed number of updates, predictions with a bootstrap. Memory is "
    "the anonymous peak above what the process held when the step began, looked at every 10 ms; pages of "
    "mapped files are not in it (the whole resident peak is in the JSON)."
)
SYNTHETIC = (
    "SYNTHETIC features: clips of a second, 13 layers of 768 (1x: 100 utterances; or 1,000 of 1 layer)."
)
STEPS = ("extraction", "opening", "assembling", "training", "scoring")
FACTORS = (1, 10, 100)
_TARGET = "benchmarks._growing:"


def preparations(scope: Scope) -> list[Cell]:
    """The clip."""
    return [Cell(name="clip", target=f"{_TARGET}write_clip", settings={"folder": str(scope.folder)})]


def cells(scope: Scope) -> list[Cell]:
    """Step by step on every size; a step finds what the one before it left."""
    few = scope.pick(2, 100)
    sizes = [("utterances", factor, few * factor, 13) for factor in FACTORS]
    sizes += [("layers", factor, scope.pick(4, 1000), factor) for factor in FACTORS]
    return [
        _cell(scope, f"{axis} {factor}x: {step}", step, utterances, layers)
        for axis, factor, utterances, layers in sizes
        for step in STEPS
        if not (axis == "layers" and step == "scoring")
    ]


def _cell(scope: Scope, name: str, step: str, utterances: int, layers: int) -> Cell:
    settings = {
        "folder": str(scope.folder),
        "utterances": utterances,
        "layers": layers,
        "updates": scope.pick(10, 1000),
    }
    return Cell(name=name, target=_TARGET + step, settings=settings)


def figures(measured: Measured) -> list[Figure]:
    """Each step on each axis: the hundredfold beside the single."""
    return [
        _figure(measured, axis, step)
        for axis in ("utterances", "layers")
        for step in STEPS
        if f"{axis} 1x: {step}" in measured
    ]


def _figure(measured: Measured, axis: str, step: str) -> Figure:
    names = [f"{axis} {factor}x: {step}" for factor in FACTORS]
    what = f"{step}, {axis} 1x, 10x, 100x"
    reason = next((failure(measured, name) for name in names if failure(measured, name)), "")
    if reason:
        return Figure(what, "-", "-", reason)
    times = [median(measured, name, lambda v: float(v["wall_s"])) for name in names]
    peaks = [
        median(measured, name, lambda v: float(v["peak_anonymous_mib"] - v["before_mib"])) for name in names
    ]
    growth = f"time x {times[2] / times[0]:.1f}, memory {peaks[2] - peaks[0]:+.0f} MiB"
    said = f"100x: {seconds(times[2])}, {peaks[2]:.0f} MiB"
    beside = f"1x: {seconds(times[0])}, {peaks[0]:.0f} MiB; 10x: {seconds(times[1])}, {peaks[1]:.0f} MiB"
    return Figure(what, said, beside, growth, _aim(measured, names[0]), headline=axis == "utterances")


def _aim(measured: Measured, name: str) -> str:
    return "memory: the batch and the index" if done(measured, name) else ""
