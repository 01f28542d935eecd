"""Extraction of a wav2vec-2.0-base-sized model: ours beside the loops that one writes first."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from benchmarks._cell import Cell, Measured, Scope, Values
from benchmarks._clips import durations_s, file_order, padding_share
from benchmarks._figure import Figure, seconds
from benchmarks._measure import done, failure, median, ratios, spread
from benchmarks.ceilings import product_cell

TITLE = "Extraction"
ABOUT = (
    "Wall seconds per second of audio through a model of the size of wav2vec 2.0 base, weights loaded and "
    "warm. Ours is `harness.extract.extract` into an empty store: decoding, means, deviations, checksums "
    "and writing included. The others are transformers' own model over waves decoded beforehand, means and "
    "deviations kept in memory. Operations are counted by torch's FlopCounterMode for the very lengths, "
    "without padding; deviation is the largest relative difference of a layer of a clip from torch in fp32 "
    "alone. `n x m`: processes x threads."
)
SYNTHETIC = (
    "SYNTHETIC weights (random) and audio (noise); lengths are drawn evenly from the distributions of "
    "IEMOCAP and MELD, half of each."
)
BATCH, CHEAP, CHEAP_TIMES = 8, "fbank", 6
LONGEST_S = {"IEMOCAP's longest, 34.1 s": 34.1, "MELD's longest, 305 s": 305.0}
_TARGET = "benchmarks._extracting:"


def preparations(scope: Scope) -> list[Cell]:
    """Clips, weights, and what the first clips give alone."""
    each = scope.pick(2, 12)
    lengths = np.concatenate([durations_s(corpus, each) for corpus in ("iemocap", "meld")])
    lengths = np.minimum(lengths, scope.pick(2.0, np.inf))
    settings = {"folder": str(scope.folder), "durations_s": file_order(lengths).tolist()}
    return [Cell(name="files", target=f"{_TARGET}make_files", settings=settings, threads=scope.cores)]


def cells(scope: Scope) -> list[Cell]:
    """Ours and theirs, then what explains them."""
    cores = scope.cores
    return [
        _cell(scope, "export", "export", threads=cores, repetitions=1, engine="auto"),
        _cell(scope, "flop", "flop", repetitions=1),
        product_cell(scope, "float32", cores),
        product_cell(scope, "bfloat16", cores),
        _ours(scope, f"ours, {cores} x 1", processes=cores),
        _plain(scope, f"torch padded file order, 1 x {cores}", BATCH, threads=cores),
        _ours(scope, f"ours, 1 x {cores}", threads=cores),
        _plain(scope, f"torch one by one, 1 x {cores}", 1, threads=cores),
        _ours(scope, f"ours with torch, {cores} x 1", processes=cores, engine="torch"),
        _plain(scope, f"torch one by one, {cores} x 1", 1, processes=cores),
        _plain(scope, f"torch padded by length, 1 x {cores}", BATCH, threads=cores, by_length=True),
        _ours(scope, f"ours in bf16, {cores} x 1", processes=cores, precision="bf16"),
        _ours(scope, f"ours from 44.1 kHz stereo, {cores} x 1", processes=cores, wide=True),
        _cell(scope, "bf16 by autocast", "bf16", threads=cores, limit_s=300),
        _plain(scope, f"torch.compile one by one, 1 x {cores}", 1, threads=cores, compiled=True, limit_s=400),
        *_decoding_cells(scope),
        *_memory_cells(scope),
    ]


def _cell(
    scope: Scope,
    name: str,
    function: str,
    *,
    threads: int = 1,
    processes: int = 1,
    repetitions: int | None = None,
    limit_s: float = 900.0,
    **settings: Any,  # noqa: ANN401  JSON
) -> Cell:
    return Cell(
        name=name,
        target=_TARGET + function,
        settings={"folder": str(scope.folder), "name": name.replace(" ", "-"), **settings},
        threads=threads,
        processes=processes,
        repetitions=repetitions,
        limit_s=limit_s,
    )


def _ours(scope: Scope, name: str, **changes: Any) -> Cell:  # noqa: ANN401  fields and settings of a cell
    return _cell(scope, name, "ours", **{"engine": "auto", **changes})


def _plain(scope: Scope, name: str, batch: int, **changes: Any) -> Cell:  # noqa: ANN401  as above
    return _cell(scope, name, "plain", batch=batch, **{"by_length": False, **changes})


def _decoding_cells(scope: Scope) -> list[Cell]:
    """Where decoding costs more than computing."""
    return [
        _ours(scope, "cheap upstream from 44.1 kHz stereo", card=CHEAP, wide=True, times=CHEAP_TIMES),
        _cell(scope, "decoding alone", "decoding", times=CHEAP_TIMES),
        _cell(scope, "cheap upstream alone", "computing", card=CHEAP, times=CHEAP_TIMES),
    ]


def _memory_cells(scope: Scope) -> list[Cell]:
    """The longest clips of the two corpora, each alone."""
    return [
        _cell(scope, name, "longest", repetitions=1, engine="auto", seconds=scope.pick(3.0, length_s))
        for name, length_s in LONGEST_S.items()
    ]


def per_audio_second(values: Values) -> float:
    """Wall seconds per second of audio."""
    return float(values["wall_s"] / values["audio_s"])


def figures(measured: Measured) -> list[Figure]:
    """Ours against each of the others, against the ceiling, padding, decoding, memory."""
    best = next(name for name in measured if name.startswith("ours, "))
    others = [name for name in measured if name.startswith(("torch", "ours")) and name != best]
    aims = {"torch padded file order": "at least 2"}
    found = [_against(measured, best, name, aims.get(name.split(",")[0], "")) for name in others]
    found += [_of_ceiling(measured, name, best) for name in (best, *others)]
    return [*found, *_padding(), _bf16(measured), *_decoding(measured, best), *_memory(measured, best)]


def _against(measured: Measured, ours: str, other: str, aim: str) -> Figure:
    what = f"{ours}: times as fast as {other}"
    if failure(measured, other) or failure(measured, ours):
        return Figure(what, failure(measured, ours) or "measured", failure(measured, other), "-", aim)
    return Figure(
        what,
        _rate(measured, ours),
        _rate(measured, other),
        spread(ratios(measured, other, ours, per_audio_second)),
        aim,
        headline=other.startswith(("torch padded file", "torch one by one, 1")),
    )


def _rate(measured: Measured, name: str) -> str:
    said = f"{median(measured, name, per_audio_second):.4f} s per s"
    padding = max(values["max_padding_share"] for values in done(measured, name))
    deviations = [values["max_deviation"] for values in done(measured, name) if "max_deviation" in values]
    off = f", deviates by {max(deviations):.1e}" if deviations else ""
    return f"{said}, {100 * padding:.1f} % padding{off}"


def _of_ceiling(measured: Measured, name: str, best: str) -> Figure:
    kind = "bfloat16" if "bf16" in name else "float32"
    products = next(cell for cell in measured if cell.startswith(kind))
    what = f"{name}: share of the matrix-product ceiling"
    reason = failure(measured, name) or failure(measured, products) or failure(measured, "flop")
    if reason:
        return Figure(what, reason, products, "-")
    (count,) = done(measured, "flop")
    needed = count["flop"] / count["audio_s"]
    shares = [
        needed / per_audio_second(one) / other["flop_per_s"]
        for one, other in zip(done(measured, name), done(measured, products), strict=False)
    ]
    reached = needed / median(measured, name, per_audio_second) / 1e9
    ceiling = median(measured, products, lambda values: float(values["flop_per_s"])) / 1e9
    return Figure(
        what,
        f"{reached:.0f} GFLOP/s ({needed / 1e9:.1f} GFLOP per s of audio)",
        f"{products}: {ceiling:.0f} GFLOP/s",
        spread(shares),
        "at least 0.90" if name == best else "",
        headline=name == best,
    )


def _padding() -> list[Figure]:
    """Arithmetic over as many lengths as the corpora have; nothing is computed with them."""
    found = []
    for corpus, count in (("iemocap", 5531), ("meld", 13_706)):
        lengths = file_order(durations_s(corpus, count)).tolist()
        random, by_length = padding_share(lengths, BATCH), padding_share(sorted(lengths), BATCH)
        beside = f"batches of {BATCH}: {100 * random:.0f} % in file order, {100 * by_length:.2f} % by length"
        what = f"padding over {count:,} lengths like {corpus}'s (arithmetic)"
        found.append(Figure(what, "0 %, every clip alone", beside, "-", "at most 5 %"))
    return found


def _bf16(measured: Measured) -> Figure:
    what, name = "bf16 by autocast on this CPU, one clip of 1 s (off by default)", "bf16 by autocast"
    if failure(measured, name):
        return Figure(what, failure(measured, name), "-", "-")
    runs = done(measured, name)
    deviation = max(values["max_deviation"] for values in runs)
    bf16_s, fp32_s = (statistics.median(values[key] for values in runs) for key in ("bf16_s", "fp32_s"))
    speed = spread(values["fp32_s"] / values["bf16_s"] for values in runs)
    return Figure(what, f"{seconds(bf16_s)}, deviates by {deviation:.1e}", f"fp32 {seconds(fp32_s)}", speed)


def _decoding(measured: Measured, best: str) -> list[Figure]:
    wide = next(name for name in measured if name.startswith("ours from"))
    cheap, alone, bare = "cheap upstream from 44.1 kHz stereo", "decoding alone", "cheap upstream alone"
    if any(failure(measured, name) for name in (wide, best, cheap, alone, bare)):
        return []
    outside = [1 - values["inside_s"] / values["extract_s"] for values in done(measured, wide)]
    waited = f"{spread((100 * share for share in outside), '{:.1f}')} % of the time outside the network"
    together = median(measured, alone, per_audio_second) + median(measured, bare, per_audio_second)
    sums = [
        per_audio_second(one) / (per_audio_second(two) + per_audio_second(three))
        for one, two, three in zip(*(done(measured, name) for name in (cheap, alone, bare)), strict=False)
    ]
    return [
        Figure(
            "decoding 44.1 kHz stereo under the network: wall against 16 kHz mono",
            f"{_rate(measured, wide)}; {waited}",
            f"{best}: {_rate(measured, best)}",
            spread(ratios(measured, wide, best, per_audio_second)),
            "1",
        ),
        Figure(
            f"decoding under {CHEAP}, the extreme: wall against one after the other",
            f"{median(measured, cheap, per_audio_second):.5f} s per s",
            f"decoding {median(measured, alone, per_audio_second):.5f} + computing: {together:.5f} s per s",
            spread(sums),
            "below 1",
        ),
    ]


def _memory(measured: Measured, best: str) -> list[Figure]:
    found = []
    for name in (best, *LONGEST_S):
        if not done(measured, name):
            continue
        peak, anonymous = (
            max(v[key] for v in done(measured, name)) for key in ("peak_mib", "peak_anonymous_mib")
        )
        said = f"{peak / 1024:.2f} GiB resident ({anonymous / 1024:.2f} anonymous)"
        what = f"peak memory of a process, {name}"
        found.append(Figure(what, said, "3 GiB", f"{peak / 3072:.2f}", "at most 1", headline=name == best))
    return found
