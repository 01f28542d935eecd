"""Memory and disk: what a run will take, against what is there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.costs import Cost
from harness.forecast._lines import Size
from harness.forecast._stage import Stage, batch_seconds
from harness.forecast._training_stage import view_shape
from harness.forecast._work import Work
from harness.models import choose_device
from harness.paths import cache_root
from harness.whole import IN_MEMORY_BYTES

GIB = 1024.0**3
_CELL_BYTES = 6_000.0
"""Of a recorded training beside its predictions: two small files."""
_RECORD_BYTES = 150_000.0
"""Record and picture."""
_PREDICTION_BYTES = 60.0
"""Of a row without its outputs, of four bytes each. They are written twice: with the cell and with the run."""


def memory_of(work: Work, extraction: Stage) -> Iterator[Size]:
    """Of one worker of the extraction, of all of them, and of what the heads read."""
    for one in work.left[:1]:
        longest_s = max(source.duration_s for source in one.missing)
        device = choose_device(work.study.config.device)
        each = one.cost.memory_gib(longest_s, batch_seconds(work.study.config, device)) * GIB
        workers = extraction.placing.workers if extraction.placing else 1
        seen = "" if extraction.peak_gib is None else f"; {extraction.peak_gib:.2f} GiB seen while measuring"
        yield Size(
            what="one worker", arithmetic=f"by the card, longest clip {longest_s:.1f} s{seen}", bytes=each
        )
        yield Size(what="all workers", arithmetic=f"{workers} x {each / GIB:.2f} GiB", bytes=workers * each)
    if work.todo:
        yield _view(work)


def _view(work: Work) -> Size:
    """What the heads read lies on disk and is mapped: memory holds what they use."""
    layers, dim = view_shape(work)
    rows, said = _rows(work)
    return Size(
        what="view of the heads",
        arithmetic=f"{rows:,.0f} {said} x {layers} layer{'s' if layers > 1 else ''} x {dim} x 4 bytes, at most",
        bytes=4.0 * rows * layers * dim,
    )


def _rows(work: Work) -> tuple[float, str]:
    if work.study.head.module.NEEDS == "frames" and work.extractions:
        cost: Cost = work.extractions[0].cost
        sources = [source for one in work.extractions for source in one.sources]
        return sum(cost.frames(source.duration_s) for source in sources), "frames"
    return float(len(work.study.read_utterances())), "utterances"


def disk_of(work: Work) -> Iterator[Size]:
    """What the store and the results grow by."""
    for one in work.left:
        kept = f"{len(one.missing):,} utterances, statistics of {one.cost.layers} layers"
        kept += f", frames of {len(one.layers)}" if one.layers else ""
        yield Size(what="store", arithmetic=f"{one.title}: {kept}", bytes=one.bytes)
    if work.todo:
        view = _view(work)
        if view.bytes > IN_MEMORY_BYTES:
            yield Size(what="views", arithmetic=f"{view.arithmetic}, beside the store", bytes=view.bytes)
        said = f"{work.todo} cells, their predictions, the record"
        yield Size(what="results", arithmetic=said, bytes=_results(work))


def _results(work: Work) -> float:
    outputs = len(work.study.examples.classes)
    rows = sum(len(fold.test) for fold, _ in work.missing)
    return rows * 2 * (_PREDICTION_BYTES + 4.0 * outputs) + work.todo * _CELL_BYTES + _RECORD_BYTES


def memory_there() -> float:
    """Bytes that are free for programs now."""
    import psutil

    return float(psutil.virtual_memory().available)


def disk_there() -> float:
    """Bytes free where the cache is, or will be."""
    place = cache_root().absolute()
    while not place.exists():
        place = place.parent
    return float(shutil.disk_usage(Path(place)).free)
