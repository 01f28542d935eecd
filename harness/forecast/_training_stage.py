"""Expected wall time of the trainings, from a few seconds of the head's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.cells import TRAINING_GIB
from harness.costs import Cost, cost_of
from harness.forecast._lines import Line
from harness.forecast._made_up import Lesson
from harness.forecast._placing import Placing, makespan, placing
from harness.forecast._stage import Manner, Stage
from harness.forecast._training import Pace, lesson_of, measure_training
from harness.forecast._work import Extraction, Work
from harness.inputs import TEXT_DIM, text_card
from harness.models import presented
from harness.scale import Needs, asked_for, threads_of
from harness.views import frame_layers

GAVE_UP_S = 5.0
"""After so long a training that will take long is given up here and handed to workers."""


def training_stage(work: Work, manner: Manner) -> Stage:
    """All cells that are left."""
    if not work.todo:
        return Stage(lines=(), placing=None)
    if manner.measure:
        return _measured_training(work)
    said = f"{work.todo} cells: known by measurement only"
    line = Line(stage="training", arithmetic=said, seconds=None, basis="assumed")
    return Stage(lines=(line,), placing=_place(work, 0.0))


def _place(work: Work, expected_s: float) -> Placing:
    settings = work.study.config.scale
    needs = Needs(threads=threads_of(settings, work.cells), memory_gib=settings.memory_gib or TRAINING_GIB)
    return placing(settings, needs, cells=work.todo, expected_s=expected_s, stays=work.todo < 2)


def _measured_training(work: Work) -> Stage:
    """Alone first; where that shows that workers will be started, in as many processes as there will be."""
    alone = measure_training(_lesson(work, _place(work, 0.0).threads), 1)
    where = _place(work, alone.training_s * work.todo)
    if where.here:
        return Stage(lines=tuple(_trainings(work, where, alone, 0.0)), placing=where, start_s=alone.start_s)
    beside = measure_training(_lesson(work, where.threads), where.workers)
    look_s = 0.0 if asked_for(work.study.config.scale) else GAVE_UP_S
    lines = tuple(_trainings(work, where, beside, look_s + beside.start_s))
    return Stage(lines=lines, placing=where, start_s=alone.start_s)


def _trainings(work: Work, where: Placing, pace: Pace, before_s: float) -> Iterator[Line]:
    if not pace.known:
        said = f"{work.todo} cells: no share of a training was reported within {pace.training_s:.0f} s"
        yield Line(stage="training", arithmetic=said, seconds=None, basis="measured")
        return
    if before_s:
        said = f"{where.workers} workers start, after a first look here where none were asked for"
        yield Line(stage="training", arithmetic=said, seconds=before_s, basis="measured")
    if pace.once_s:
        said = "what the first training of a process imports and lays out"
        yield Line(stage="training", arithmetic=said, seconds=pace.once_s, basis="measured")
    each_s = pace.training_s + pace.views_s
    rounds = -(-work.todo // where.workers)
    cells = f"{work.todo} cells x {each_s:.2f} s"
    said = cells if where.workers == 1 else f"{cells}, {where.workers} at a time: {rounds} rounds"
    share = "" if pace.share >= 1 else f"; {100 * pace.share:.1f} % of one was trained"
    yield Line(
        stage="training",
        arithmetic=f"{said} ({where.said()}{share})",
        seconds=makespan([each_s] * work.todo, where.workers),
        basis="measured",
    )


def _lesson(work: Work, threads: int) -> Lesson:
    """Of the fold whose training part is of middling size among those that are left."""
    folds = sorted({id(fold): fold for fold, _ in work.missing}.values(), key=lambda fold: len(fold.train))
    layers, dim = view_shape(work)
    frames = _frames(work, work.extractions[0].cost) if work.study.head.module.NEEDS == "frames" else {}
    return lesson_of(
        work.study, folds[len(folds) // 2], layers=layers, dim=dim, threads=threads, frames=frames
    )


def _frames(work: Work, cost: Cost) -> dict[str, int]:
    """Utterance -> frames, by its duration."""
    rows = work.study.manifest.table[["id", "duration_s"]].itertuples(index=False, name=None)
    return {str(name): max(1, int(cost.frames(float(duration_s)))) for name, duration_s in rows}


def view_shape(work: Work) -> tuple[int, int]:
    """Layers and width of what the head reads."""
    study = work.study
    if study.head.module.NEEDS == "contexts":
        return 1, _columns(work.extractions) + (TEXT_DIM if text_card(study.config) else 0)
    card = presented(study.config.upstream)
    cost = cost_of(card)
    layers = 1 if study.view.kind == "mean_last" else len(frame_layers(study.view, cost.layers))
    return layers, cost.dim


def _columns(extractions: Sequence[Extraction]) -> int:
    """Widths of the upstreams side by side, each counted once."""
    return sum({one.cost.card.name: one.cost.dim for one in extractions}.values())
