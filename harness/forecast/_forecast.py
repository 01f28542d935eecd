"""The plan of a recipe: what is there, what is missing, how long it takes here, and what it takes up."""

from __future__ import annotations

import time
from collections.abc import Iterator

from harness.config import RunConfig
from harness.errors import ConfigError
from harness.forecast._extraction_stage import extraction_stage
from harness.forecast._fixed import fixed_lines, pace_of
from harness.forecast._lines import Forecast, Line
from harness.forecast._room import disk_of, disk_there, memory_of, memory_there
from harness.forecast._stage import Manner, Stage
from harness.forecast._training_stage import training_stage
from harness.forecast._work import Work, work_of
from harness.inputs import text_card
from harness.models import choose_device
from harness.study import Study, plan


def forecast(config: RunConfig, *, measure: bool = True, rate_tflops: float | None = None) -> Forecast:
    """Work out what a run will do and cost; writes nothing, and loads a model only to measure it for some seconds.

    Args:
        config: of the run.
        measure: False: by the cards and a rate.
        rate_tflops: what one worker computes, in 10^12 operations per second; None: 70 GFLOP/s a core.

    Raises:
        HarnessError: whatever the run itself would refuse, as far as it can be known now.
    """
    manner = Manner(measure=measure, rate_tflops=rate_tflops, device=choose_device(config.device))
    _check(manner)
    study = plan(config)
    start = time.perf_counter()
    plan(config)
    corpus_s = time.perf_counter() - start
    work = work_of(study)
    extraction, training = extraction_stage(work, manner), training_stage(work, manner)
    return Forecast(
        title=_title(study),
        todo=tuple(_todo(work)),
        times=tuple(_times(work, corpus_s, extraction, training)),
        memory=tuple(memory_of(work, extraction)),
        memory_there=memory_there(),
        disk=tuple(disk_of(work)),
        disk_there=disk_there(),
        notes=(*_notes(work, manner), *filter(None, [extraction.note])),
    )


def _check(manner: Manner) -> None:
    rate = manner.rate_tflops
    if rate is not None and (manner.measure or not rate > 0):
        raise ConfigError(
            "a stated rate cannot be used so",
            got=f"rate_tflops={rate} measure={str(manner.measure).lower()}",
            wanted="a rate above 0, with measure=false",
            next_step="leave rate_tflops out to measure, or add measure=false",
        )
    if not manner.measure and rate is None and manner.device == "cuda":
        raise ConfigError(
            "the speed of the GPU is neither measured nor stated",
            got="measure=false device=cuda",
            wanted="rate_tflops=..., what the GPU does with such a network, in 10^12 operations per second",
            next_step="add rate_tflops=20, or leave measure=false out",
        )


def _title(study: Study) -> str:
    config = study.config
    return f"plan for {config.recipe}  {config.upstream.name}  {study.head.name}  ({config.about})"


def _todo(work: Work) -> Iterator[Line]:
    """Stages, what is missing and what is there."""
    for one in work.extractions:
        left = one in work.left
        count, audio_s, shards = (len(one.missing), one.missing_s, len(one.cells)) if left else (0, 0.0, 0)
        stored = f"stored already: {len(one.sources) - len(one.missing):,} utterances, {_hours(one.done_s)}"
        said = f"{one.title}: {count:,} utterances, {_hours(audio_s)} of audio, {shards} shards"
        yield Line(stage="extraction", arithmetic=f"{said}; {stored}", seconds=audio_s, basis="counted")
    folds, seeds = len(work.study.folds.folds), len(work.study.config.seeds)
    said = f"{work.todo} cells of {work.cells} ({folds} folds x {seeds} seed{'s' if seeds > 1 else ''})"
    yield Line(
        stage="training",
        arithmetic=f"{said}; recorded already: {work.done}",
        seconds=0.0,
        basis="counted",
    )


def _times(work: Work, corpus_s: float, extraction: Stage, training: Stage) -> Iterator[Line]:
    """In the order in which a run does them."""
    starts = [stage.start_s for stage in (extraction, training) if stage.start_s is not None]
    pace = pace_of(min(starts) if starts else None)
    fixed = list(fixed_lines(work.study, corpus_s, pace, recorded=work.recorded))
    first, last = ("start", "corpus"), ("shortcuts", "score", "record")
    yield from (line for line in fixed if line.stage in first)
    yield from extraction.lines
    yield from training.lines
    yield from (line for line in fixed if line.stage in last)


def _notes(work: Work, manner: Manner) -> Iterator[str]:
    if work.recorded:
        yield "recorded already: a run reads its record (force=true trains again)"
    yield from dict.fromkeys(one.note for one in work.left if one.note)
    yield from dict.fromkeys(
        one.cost.architecture.assumes for one in work.left if one.cost.architecture.assumes
    )
    if text_card(work.study.config) is not None:
        yield "texts are encoded once; their time is not in the plan"
    if work.study.config.scale.name != "processes" and manner.measure:
        yield "measured on this machine, with workers as it would have: a cluster has its own, scale.workers=N"


def _hours(audio_s: float) -> str:
    return f"{audio_s / 3600:.2f} h"
