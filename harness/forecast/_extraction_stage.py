"""Expected wall time of the extraction, from a measured or stated speed."""

from __future__ import annotations

from collections.abc import Iterator

from harness.config import card_named
from harness.contracts import Card
from harness.costs import CORE_FLOP_PER_S
from harness.extract.plan import shard_count
from harness.features import GPU_FLOP_PER_S
from harness.forecast._extracting import Speed, measure_extraction
from harness.forecast._lines import Line
from harness.forecast._placing import Placing, makespan, placing
from harness.forecast._stage import Manner, Stage, batch_seconds
from harness.forecast._work import Extraction, Work, seconds
from harness.scale import Needs, threads_of

EXPORTING_S = 5.0
"""A first load that takes so much longer than the next one has exported the network."""


def extraction_stage(work: Work, manner: Manner) -> Stage:
    """Load and extract everything that is missing, one upstream and corpus after the other."""
    speeds: dict[tuple[str, Placing], Speed] = {}
    found = [_one_extraction(work, extraction, manner, speeds) for extraction in work.left]
    return Stage(
        lines=tuple(line for stage in found for line in stage.lines),
        placing=found[0].placing if found else None,
        start_s=next((stage.start_s for stage in found if stage.start_s is not None), None),
        peak_gib=max((stage.peak_gib for stage in found if stage.peak_gib is not None), default=None),
        note="; ".join(dict.fromkeys(stage.note for stage in found if stage.note)),
    )


def _one_extraction(
    work: Work, extraction: Extraction, manner: Manner, speeds: dict[tuple[str, Placing], Speed]
) -> Stage:
    """An upstream is measured once, over the first corpus (or fold) that it is used for, and loaded once."""
    where = place_of(work, extraction, manner.device)
    known = extraction.cost.card.name, where
    loaded = known in speeds and where.here
    if manner.measure and known not in speeds:
        speeds[known] = _speed(work, extraction, where, manner)
    speed = speeds.get(known)
    loading = () if loaded else _loading(extraction, where, speed)
    return Stage(
        lines=(*loading, *_calibrating(extraction, speed), *_computing(extraction, where, speed, manner)),
        placing=where,
        start_s=speed.start_s if speed else None,
        peak_gib=speed.peak_gib if speed else None,
        note=_first_load(extraction, speed),
    )


def _first_load(extraction: Extraction, speed: Speed | None) -> str:
    """A plan that has exported a network has spared the run that."""
    if speed is None or speed.first_load_s < speed.load_s + EXPORTING_S:
        return ""
    name = extraction.cost.card.name
    return f"{name} took {speed.first_load_s:.1f} s to load for the first time; its graph is kept, and not counted"


def place_of(work: Work, extraction: Extraction, device: str) -> Placing:
    """By the card, as the run itself decides it; a calibrated upstream stays in the process."""
    settings = work.study.config.scale
    durations = [source.duration_s for source in extraction.missing]
    on_gpu = 0.0 if device == "cpu" else 1.0
    shards = shard_count(extraction.sources, extraction.cost.card, extraction.layers)
    needs = Needs(
        threads=threads_of(settings, 1 if extraction.calibrated else shards),
        memory_gib=settings.memory_gib
        or extraction.cost.memory_gib(max(durations), batch_seconds(work.study.config, device)),
        gpus=on_gpu if settings.gpus is None else settings.gpus,
    )
    rate = CORE_FLOP_PER_S if device == "cpu" else GPU_FLOP_PER_S
    expected_s = extraction.cost.core_s(durations, rate)
    return placing(
        settings, needs, cells=len(extraction.cells), expected_s=expected_s, stays=extraction.calibrated
    )


def _speed(work: Work, extraction: Extraction, where: Placing, manner: Manner) -> Speed:
    written = _written(work, extraction)
    return measure_extraction(extraction, written, work.study.config, where, manner.device)


def _written(work: Work, extraction: Extraction) -> Card:
    """The card as the recipe has it: what is loaded."""
    first = work.study.config.upstream
    return first if first.name == extraction.cost.card.name else card_named(extraction.cost.card.name)


def _loading(extraction: Extraction, where: Placing, speed: Speed | None) -> Iterator[Line]:
    if speed is None:
        return
    start_s = 0.0 if where.here else speed.start_s
    said = "" if where.here else f"{speed.start_s:.1f} s to start a worker + "
    yield Line(
        stage="extraction",
        arithmetic=f"{said}{speed.load_s:.1f} s to load {extraction.cost.card.name}",
        seconds=start_s + speed.load_s,
        basis="measured",
    )


def _calibrating(extraction: Extraction, speed: Speed | None) -> Iterator[Line]:
    if not extraction.training or speed is None:
        return
    heard_s, each_s = seconds(extraction.training), speed.calibrate_s_per_audio_s
    yield Line(
        stage="extraction",
        arithmetic=f"calibrating: {heard_s:,.0f} s of audio x {each_s:.5f} s per s",
        seconds=heard_s * each_s,
        basis="measured",
    )


def _computing(extraction: Extraction, where: Placing, speed: Speed | None, manner: Manner) -> Iterator[Line]:
    """Shards are given to workers as these come free, so that the last one shows."""
    rate = _rate(manner, where)
    if speed is None:
        shards = [
            extraction.cost.core_s((one.duration_s for one in cell.sources), rate)
            for cell in extraction.cells
        ]
    else:
        shards = [
            speed.ratio * extraction.cost.core_s(one.duration_s for one in cell.sources)
            for cell in extraction.cells
        ]
    worker_s = sum(shards)
    whole_s = makespan(shards, where.workers)
    each_s = worker_s / extraction.missing_s
    said = f"{extraction.missing_s:,.0f} s of audio x {each_s:.4f} s per s"
    if where.workers > 1:
        said += (
            f" / {where.workers} workers = {worker_s / where.workers:,.1f} s; {len(shards)} shards end after"
        )
    yield Line(
        stage="extraction",
        arithmetic=f"{said} ({where.said()})",
        seconds=whole_s,
        basis="card" if speed is None else "measured",
    )


def _rate(manner: Manner, where: Placing) -> float:
    """Operations per second of one worker, where they are stated and not measured."""
    return CORE_FLOP_PER_S * where.threads if manner.rate_tflops is None else manner.rate_tflops * 1e12
