"""The same on a CUDA device; without one the section says so and measures nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks._cell import Cell, Measured, Scope, Values
from benchmarks._clips import durations_s, file_order
from benchmarks._figure import Figure
from benchmarks._measure import done, failure, median, ratios, spread

TITLE = "GPU"
ABOUT = (
    "Extraction on one CUDA device in batches of a minute of audio, padding under 5 %: `extract` with decoding "
    "and writing, and the network alone over batches that are there already, against the matrix-product rate "
    "measured on the same device. Heads are trained on the processor: theirs is the published loop with its "
    "model on the GPU."
)
SYNTHETIC = "SYNTHETIC weights, audio (lengths as IEMOCAP's and MELD's) and features."
NO_DEVICE = "no CUDA device here: skipped"
SIDE = 8192
_TARGET = "benchmarks._gpu_work:"


def has_device() -> bool:
    """Whether torch finds a CUDA device."""
    import torch

    return torch.cuda.is_available()


def preparations(scope: Scope) -> list[Cell]:
    """Clips, weights and features."""
    if not has_device():
        return []
    lengths = np.concatenate([durations_s(corpus, scope.pick(4, 32)) for corpus in ("iemocap", "meld")])
    clips = {"folder": str(scope.folder), "durations_s": file_order(lengths).tolist()}
    frames = {"folder": str(scope.folder / "frames"), "utterances": scope.pick(100, 5531), "layers": 1}
    return [
        Cell(name="files", target="benchmarks._extracting:make_files", settings=clips, threads=scope.cores),
        Cell(
            name="frames",
            target="benchmarks._head_data:make_features",
            settings=frames | {"dim": 768, "frames": 225},
        ),
    ]


def cells(scope: Scope) -> list[Cell]:
    """None without a device."""
    if not has_device():
        return []
    kinds = ("float32", "bfloat16")
    products = [_cell(scope, f"product, {k}", "products", dtype=k, seconds=2.0, side=SIDE) for k in kinds]
    precisions = ("fp32", "bf16")
    return [
        _cell(scope, "flop", "flop", repetitions=1),
        *products,
        *(_cell(scope, f"extract, {kind}", "ours", precision=kind) for kind in precisions),
        *(_cell(scope, f"network, {kind}", "network", precision=kind) for kind in precisions),
        _cell(scope, "plain, fp32", "plain"),
        *_head_cells(scope),
    ]


def _cell(scope: Scope, name: str, function: str, repetitions: int | None = None, **settings: Any) -> Cell:  # noqa: ANN401
    told = {
        "folder": str(scope.folder),
        "name": name.replace(" ", ""),
        "times": scope.pick(2, 32),
        **settings,
    }
    target = "benchmarks._extracting:flop" if function == "flop" else _TARGET + function
    return Cell(name=name, target=target, settings=told, threads=scope.cores, repetitions=repetitions)


def _head_cells(scope: Scope) -> list[Cell]:
    frames = {"folder": str(scope.folder / "frames"), "epochs": scope.pick(1, 2), "whole": False}
    processes = min(scope.cores, 5)
    ours = Cell(name="e2v, ours", target=f"{_TARGET}e2v_ours", settings=frames, processes=processes)
    return [ours, Cell(name="e2v, plain", target=f"{_TARGET}e2v_plain", settings=frames, threads=scope.cores)]


def hours_per_hour(values: Values) -> float:
    """Hours of audio in an hour."""
    return float(values["audio_s"] / values["wall_s"])


def figures(measured: Measured) -> list[Figure]:
    """Throughput, share of the peak, deviation of bf16, heads; one line without a device."""
    if not measured:
        return [Figure("extraction and heads on CUDA", NO_DEVICE, "-", "-", "", headline=True)]
    shown = [name for name in measured if name.startswith(("extract", "network"))]
    return [*(_throughput(measured, name) for name in shown), *_peaks(measured), *_heads(measured)]


def _throughput(measured: Measured, name: str) -> Figure:
    what = f"{name}: hours of audio per hour"
    reason = failure(measured, name) or failure(measured, "plain, fp32")
    if reason:
        return Figure(what, name, "plain, fp32", reason)
    deviations = [values["max_deviation"] for values in done(measured, name) if "max_deviation" in values]
    off = f", deviates by {max(deviations):.1e}" if deviations else ""
    said = [f"{median(measured, one, hours_per_hour):,.0f}" for one in (name, "plain, fp32")]
    beside = f"plain padded batches of 8 in file order, fp32: {said[1]}"
    speed = spread(ratios(measured, name, "plain, fp32", hours_per_hour))
    return Figure(what, said[0] + off, beside, speed, "", headline=True)


def _peaks(measured: Measured) -> list[Figure]:
    found = []
    for kind, dtype in (("fp32", "float32"), ("bf16", "bfloat16")):
        name, product = f"network, {kind}", f"product, {dtype}"
        if any(failure(measured, one) for one in (name, product, "flop")):
            continue
        (count,) = done(measured, "flop")
        needed = count["flop"] / count["audio_s"]
        shares = [
            needed * hours_per_hour(one) / other["flop_per_s"]
            for one, other in zip(done(measured, name), done(measured, product), strict=False)
        ]
        reached = needed * median(measured, name, hours_per_hour) / 1e12
        peak = median(measured, product, lambda values: float(values["flop_per_s"])) / 1e12
        what = f"{name}: share of the matrix-product rate"
        found.append(Figure(what, f"{reached:.1f} TFLOP/s", f"{peak:.0f} TFLOP/s", spread(shares), "", True))
    return found


def _heads(measured: Measured) -> list[Figure]:
    what, names = "e2v_linear, an utterance and epoch", ("e2v, ours", "e2v, plain")
    reason = next((failure(measured, name) for name in names if failure(measured, name)), "")
    if reason:
        return [Figure(what, names[0], names[1], reason)]

    def each(values: Values) -> float:
        return float(values["wall_s"] / values["utterance_epochs"])

    said = [f"{1e6 * median(measured, name, each):.0f} us" for name in names]
    processes = done(measured, names[0])[0]["processes"]
    ours = f"{said[0]}, {processes} processes of the CPU"
    return [
        Figure(
            what, ours, f"plain loop on the GPU {said[1]}", spread(ratios(measured, names[1], names[0], each))
        )
    ]
