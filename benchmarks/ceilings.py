"""What the machine itself can do: matrix products, and reading a file that is warm in memory."""

from __future__ import annotations

import mmap
import time
from pathlib import Path

import numpy as np

from benchmarks._cell import Cell, Measured, Scope, Values, Work
from benchmarks._figure import Figure
from benchmarks._measure import done, failure, ratios, spread

TITLE = "Ceilings of this machine"
ABOUT = (
    "Products of square matrices for a fixed time, with all cores, as one process of n threads and as n "
    "processes of one thread; and copying a warm memory map block by block. All other sections are held "
    "against these."
)
SYNTHETIC = "SYNTHETIC matrices and files: random numbers."

SIDE = 2048
BLOCK_BYTES = 8 << 20


def matrix_products(settings: Values) -> Work:
    """Prepare: two matrices of `dtype`, multiplied once. Work: multiply for `seconds`."""
    import torch

    kind = getattr(torch, settings["dtype"])
    side = settings.get("side", SIDE)
    chance = torch.Generator().manual_seed(0)
    left, right = (torch.randn(side, side, generator=chance).to(kind) for _ in range(2))
    product = left @ right

    def work() -> Values:
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < settings["seconds"]:
            torch.mm(left, right, out=product)
            count += 1
        return {"flop_per_s": 2.0 * side**3 * count / (time.perf_counter() - start)}

    return work


def write_file(settings: Values) -> Work:
    """Work: write a file of `mib`."""

    def work() -> Values:
        block = np.random.default_rng(0).bytes(1 << 20)
        with Path(settings["path"]).open("wb") as stream:
            for _ in range(settings["mib"]):
                stream.write(block)
        return {}

    return work


def mapped_reads(settings: Values) -> Work:
    """Prepare: map the file and read it once. Work: copy all of it, block by block, for `seconds`."""
    with Path(settings["path"]).open("rb") as stream:
        mapped = np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    buffer = np.empty(BLOCK_BYTES, np.uint8)

    def once() -> int:
        for first in range(0, len(mapped), BLOCK_BYTES):
            block = mapped[first : first + BLOCK_BYTES]
            np.copyto(buffer[: len(block)], block)
        return len(mapped)

    once()

    def work() -> Values:
        start, size = time.perf_counter(), 0
        while time.perf_counter() - start < settings["seconds"]:
            size += once()
        return {"bytes_per_s": size / (time.perf_counter() - start)}

    return work


def product_cell(scope: Scope, dtype: str, processes: int, threads: int | None = None) -> Cell:
    """So many processes, of which each has its share of the cores unless `threads` says otherwise."""
    threads = scope.cores // processes if threads is None else threads
    settings = {"dtype": dtype, "seconds": scope.pick(0.3, 3.0), "side": scope.pick(512, SIDE)}
    return Cell(
        name=f"{dtype}, {processes} x {threads}",
        target="benchmarks.ceilings:matrix_products",
        settings=settings,
        processes=processes,
        threads=threads,
    )


def product_rate(values: Values) -> float:
    """Operations a second of `matrix_products`, in 1e9."""
    return float(values["flop_per_s"] / 1e9)


def preparations(scope: Scope) -> list[Cell]:
    """The file."""
    settings = {"path": str(scope.folder / "file"), "mib": scope.pick(16, 512)}
    return [Cell(name="file", target="benchmarks.ceilings:write_file", settings=settings)]


def cells(scope: Scope) -> list[Cell]:
    """Both types, both ways of sharing the cores; reading with one process and with all."""
    ways = sorted({1, scope.cores})
    products = [
        product_cell(scope, dtype, processes) for dtype in ("float32", "bfloat16") for processes in ways
    ]
    settings = {"path": str(scope.folder / "file"), "seconds": scope.pick(0.2, 2.0)}
    target = "benchmarks.ceilings:mapped_reads"
    reads = [Cell(name=f"read, {n} x 1", target=target, settings=settings, processes=n) for n in ways]
    return [*products, *reads]


def figures(measured: Measured) -> list[Figure]:
    """Rates, each beside the one of one process with all threads in fp32 (or of one reader)."""
    found = []
    for name in measured:
        first = next(n for n in measured if n.startswith("read") == name.startswith("read"))
        what = "flop_per_s" if not name.startswith("read") else "bytes_per_s"
        found.append(_figure(measured, name, first, what))
    return found


def _figure(measured: Measured, name: str, first: str, rate: str) -> Figure:
    kind, _, way = name.partition(", ")
    what = (
        f"{'memory-map read' if kind == 'read' else f'matrix product, {kind}'}, {way} (processes x threads)"
    )
    if failure(measured, name):
        return Figure(what, failure(measured, name), first, "-")
    unit = "GFLOP/s" if rate == "flop_per_s" else "GB/s"
    ours = f"{spread((values[rate] / 1e9 for values in done(measured, name)), '{:.1f}')} {unit}"
    return Figure(
        what, ours, first, spread(ratios(measured, name, first, lambda v: float(v[rate]))), "", True
    )
