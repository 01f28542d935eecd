"""The feature store beside raw files of the same bytes on the same disk."""

from __future__ import annotations

from typing import Any

from benchmarks._cell import Cell, Measured, Scope, Values
from benchmarks._figure import Figure, seconds
from benchmarks._measure import done, failure, median, ratios, spread

TITLE = "Store"
ABOUT = (
    "Writing: shards of 64 utterances, checksums and the atomic rename included, beside files of the same "
    "size in one call each. Reading: a freshly opened store, all utterances in random order, checksums "
    "compared, into one array, beside reading the raw files one after the other. The disk's cache is warm."
)
SYNTHETIC = "SYNTHETIC features of a base model (13 layers of 768), IEMOCAP's number of utterances."
_TARGET = "benchmarks._storing:"


def preparations(scope: Scope) -> list[Cell]:
    """A full store and raw files, to be read."""
    settings = {
        "folder": str(scope.folder),
        "means": _utterances(scope, "means"),
        "frames": _utterances(scope, "frames"),
    }
    return [Cell(name="store", target=f"{_TARGET}fill_once", settings=settings)]


def _utterances(scope: Scope, part: str) -> int:
    """Frames take ten times the room: a quarter of them shows the rate."""
    return int(scope.pick(128, 5531) if part == "means" else scope.pick(64, 1383, 5531))


def cells(scope: Scope) -> list[Cell]:
    """Ours and raw in turn."""
    found = [
        _cell(scope, f"{part}: {function}", function, part=part)
        for part in ("means", "frames")
        for function in ("write", "write_raw", "read", "read_raw")
    ]
    return [*found, _cell(scope, "open", "opened", part="means")]


def _cell(scope: Scope, name: str, function: str, part: str) -> Cell:
    settings = {"folder": str(scope.folder), "part": part, "utterances": _utterances(scope, part)}
    return Cell(name=name, target=_TARGET + function, settings=settings)


def per_byte(values: Values) -> float:
    """Wall seconds."""
    return float(values["wall_s"] / values["bytes"])


def figures(measured: Measured) -> list[Figure]:
    """Rates, opening, size."""
    rates = [
        _rate(measured, f"{what} {said}", f"{part}: {what}", f"{part}: {what}_raw")
        for part, said in (("means", "means of all layers"), ("frames", "frames of one layer"))
        for what in ("write", "read")
    ]
    return [*rates, *_opening(measured), *_size(measured)]


def _rate(measured: Measured, what: str, ours: str, raw: str) -> Figure:
    reason = failure(measured, ours) or failure(measured, raw)
    if reason:
        return Figure(what, ours, raw, reason)
    said = [f"{1 / median(measured, name, per_byte) / 2**20:.0f} MiB/s" for name in (ours, raw)]
    share = spread(ratios(measured, raw, ours, per_byte))
    return Figure(what, said[0], f"raw files {said[1]}", share, "", headline=True)


def _opening(measured: Measured) -> list[Figure]:
    if failure(measured, "open"):
        return []
    count = done(measured, "open")[0]["utterances"]
    took = seconds(median(measured, "open", lambda v: float(v["wall_s"])))
    share = spread(ratios(measured, "open", "means: read", lambda v: float(v["wall_s"])), "{:.3f}")
    return [Figure(f"open a store of {count:,} utterances", took, "reading its means", share, "", True)]


def _size(measured: Measured) -> list[Figure]:
    found: list[Figure] = []
    bare = {"means": 2 * 13 * 768 * 4.0, "frames": 225 * 768 * 4.0}
    for part, size in bare.items():
        values: list[Any] = done(measured, f"{part}: write")
        if values:
            each = values[0]["bytes"] / values[0]["utterances"]
            said = f"{each / 1024:.1f} KiB"
            beside = f"the numbers alone {size / 1024:.1f} KiB"
            found.append(Figure(f"bytes per utterance, {part}", said, beside, f"{each / size:.3f}"))
    return found
