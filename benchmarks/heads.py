"""Training of heads beside plain reimplementations of the published loops."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks._cell import Cell, Measured, Scope, Values
from benchmarks._figure import Figure, seconds
from benchmarks._measure import done, failure, median, ratios, spread

TITLE = "Heads"
ABOUT = (
    "Ours as a run trains them: folds side by side, a process of one thread per core, features mapped from "
    "disk. Theirs: the published loop in our own words (padded batches through a DataLoader, a mask, "
    "autograd), one process with all cores, features in memory. SUPERB's own loop also runs the upstream "
    "in every update; here it is given the frames. Where a share of a training is measured, the total is "
    "scaled up and says so."
)
SYNTHETIC = "SYNTHETIC features: random numbers with a weak class signal, of IEMOCAP's size (5,531 x 768)."
UTTERANCES, LAYERS, DIM, FRAMES = 5531, 13, 768, 225
SUPERB_TOTAL = 5 * 30_000
E2V_TOTAL = (3556 + 3606 + 3504 + 3600 + 3432) * 100
"""Utterances of the five training parts, a hundred times."""
PUBLISHED_LOADERS = 4
"""Processes that read and pad for the released script: emotion2vec, `iemocap_downstream/data.py`, num_workers."""
SWEEP = "13 layers x 5 strengths x 5 folds, ridge"
_PUBLISHED = f"e2v_linear, plain loop, {PUBLISHED_LOADERS} loader processes as published"
_ALONE = "e2v_linear, plain loop, no loader process"
_TARGET = "benchmarks._training:"


def preparations(scope: Scope) -> list[Cell]:
    """Time means of all layers, frames of one layer, frames of all layers, and a small set for final metrics."""
    few = scope.pick(40, UTTERANCES)
    return [
        _data(scope, "means", utterances=few, layers=LAYERS, dim=DIM),
        _data(
            scope,
            "frames",
            utterances=scope.pick(40, UTTERANCES // 2, UTTERANCES),
            layers=1,
            dim=DIM,
            frames=FRAMES,
        ),
        _data(scope, "layers", utterances=scope.pick(8, 32), layers=LAYERS, dim=DIM, frames=FRAMES),
        _data(scope, "small", utterances=scope.pick(100, 800), layers=3, dim=64, frames=40, signal=0.2),
        _data(
            scope, "small-frames", utterances=scope.pick(100, 800), layers=1, dim=64, frames=40, signal=0.2
        ),
    ]


def _data(scope: Scope, name: str, **settings: float) -> Cell:
    folder = {"folder": str(scope.folder / name)}
    return Cell(name=name, target="benchmarks._head_data:make_features", settings=settings | folder)


def cells(scope: Scope) -> list[Cell]:
    """Head by head, ours and theirs in turn; final metrics once."""
    return [
        *_superb_cells(scope),
        *_e2v_cells(scope),
        *_gru_cells(scope),
        *_sweep_cells(scope),
        *_metric_cells(scope),
    ]


def _cell(
    scope: Scope,
    name: str,
    function: str,
    data: str,
    *,
    threads: int = 1,
    processes: int = 1,
    repetitions: int | None = None,
    **settings: Any,  # noqa: ANN401  JSON
) -> Cell:
    return Cell(
        name=name,
        target=_TARGET + function,
        settings={"folder": str(scope.folder / data), **settings},
        threads=threads,
        processes=processes,
        repetitions=repetitions,
        limit_s=scope.pick(300.0, 1800.0, 8 * 3600.0),
    )


def _superb_cells(scope: Scope) -> list[Cell]:
    cores, whole = scope.cores, scope.size == "full"
    updates = scope.pick(100, 30_000)
    return [
        _cell(scope, "superb_linear, ours", "superb", "means", processes=cores, updates=updates, whole=whole),
        _cell(
            scope, "superb_linear, plain loop on frames", "superb_plain", "layers", threads=cores,
            updates=scope.pick(1, 10),
        ),
        _cell(
            scope, "superb_linear, plain loop on means", "superb_means_plain", "means", threads=cores,
            updates=scope.pick(50, 1000),
        ),
    ]  # fmt: skip


def _e2v_cells(scope: Scope) -> list[Cell]:
    cores, whole = scope.cores, scope.size == "full"
    ours, plain = scope.pick(1, 5, 100), 1
    return [
        _cell(scope, "e2v_linear, ours", "e2v", "frames", processes=cores, epochs=ours, whole=whole),
        _cell(
            scope, _PUBLISHED, "e2v_plain", "frames", threads=cores, epochs=plain, loaders=PUBLISHED_LOADERS
        ),
        _cell(scope, _ALONE, "e2v_plain", "frames", threads=cores, epochs=plain, loaders=0),
    ]  # fmt: skip


def _gru_cells(scope: Scope) -> list[Cell]:
    settings = {"threads": scope.cores, "utterances": scope.pick(16, 96)}
    return [
        _cell(scope, "gru, ours", "gru_ours", "frames", **settings),
        _cell(scope, "gru, plain loop", "gru_plain", "frames", **settings),
    ]


def _sweep_cells(scope: Scope) -> list[Cell]:
    return [
        _cell(scope, "sweep, ours", "sweep", "means", threads=scope.cores),
        _cell(
            scope,
            "sweep, scikit-learn",
            "sweep_plain",
            "means",
            threads=scope.cores,
            folds=scope.pick(1, 1, 5),
        ),
    ]


def _metric_cells(scope: Scope) -> list[Cell]:
    lengths = {
        "superb_linear": ("small", scope.pick(20, 400)),
        "e2v_linear": ("small-frames", scope.pick(2, 25)),
    }
    return [
        _cell(
            scope, f"final metric, {head}, {who}", "metrics", data, repetitions=1, who=who, head=head,
            length=length, seeds=scope.pick(2, 5),
        )
        for head, (data, length) in lengths.items()
        for who in ("ours", "plain")
    ]  # fmt: skip


def per_update(values: Values) -> float:
    """Wall seconds."""
    return float(values["wall_s"] / values["updates"])


def per_utterance(values: Values) -> float:
    """Wall seconds per utterance and epoch."""
    return float(values["wall_s"] / values["utterance_epochs"])


def per_fold(values: Values) -> float:
    """Wall seconds."""
    return float(values["wall_s"] / values["folds"])


class Race(NamedTuple):
    """Two trainings, and how much of them the whole is."""

    what: str
    ours: str
    theirs: str
    each: Callable[[Values], float]
    """Wall seconds per unit."""
    unit: str
    total: int
    """Units of the whole training."""
    aim: str = ""
    headline: bool = True


_SUPERB, _E2V = "superb_linear, 5 folds x 30,000 updates", "e2v_linear, 5 folds x 100 epochs"
RACES = (
    Race(
        _SUPERB,
        "superb_linear, ours",
        "superb_linear, plain loop on frames",
        per_update,
        "updates",
        SUPERB_TOTAL,
        "ours under 10 min",
    ),
    Race(
        _SUPERB,
        "superb_linear, ours",
        "superb_linear, plain loop on means",
        per_update,
        "updates",
        SUPERB_TOTAL,
        headline=False,
    ),
    Race(
        _E2V,
        "e2v_linear, ours",
        _PUBLISHED,
        per_utterance,
        "utterance_epochs",
        E2V_TOTAL,
        "at least 7, ours under 1 h",
    ),
    Race(
        _E2V,
        "e2v_linear, ours",
        _ALONE,
        per_utterance,
        "utterance_epochs",
        E2V_TOTAL,
    ),
    Race(
        "gru, 5 folds x 50 epochs",
        "gru, ours",
        "gru, plain loop",
        per_utterance,
        "utterance_epochs",
        E2V_TOTAL // 2,
    ),
    Race(SWEEP, "sweep, ours", "sweep, scikit-learn", per_fold, "folds", 5, "ours under 30 s"),
)


def figures(measured: Measured) -> list[Figure]:
    """Totals of the published trainings, final metrics, memory."""
    races = [_total(measured, race) for race in RACES]
    finals = [_final(measured, head) for head in ("superb_linear", "e2v_linear")]
    return [*races, _same_choices(measured), *finals, *_memory(measured)]


def _total(measured: Measured, race: Race) -> Figure:
    reason = failure(measured, race.ours) or failure(measured, race.theirs)
    if reason:
        return Figure(race.what, race.ours, race.theirs, reason, race.aim)
    return Figure(
        race.what,
        _scaled(measured, race.ours, race),
        f"{race.theirs.partition(', ')[2]}: {_scaled(measured, race.theirs, race)}",
        spread(ratios(measured, race.theirs, race.ours, race.each)),
        race.aim,
        race.headline,
    )


def _scaled(measured: Measured, name: str, race: Race) -> str:
    share = done(measured, name)[0][race.unit] / race.total
    said = seconds(race.total * median(measured, name, race.each))
    return said if share >= 1 else f"{said} (scaled from {100 * share:.2g} %)"


def _same_choices(measured: Measured) -> Figure:
    what = "ridge sweep: layer, strength and WA chosen per fold"
    ours, theirs = (done(measured, name) for name in ("sweep, ours", "sweep, scikit-learn"))
    if not (ours and theirs):
        return Figure(what, "-", "-", "not measured")
    found, wanted = ours[0]["selected"], theirs[0]["selected"]
    same = sum(one == other for one, other in zip(found, wanted, strict=False))
    return Figure(what, found[0], wanted[0], f"{same} of {len(wanted)} equal")


def _final(measured: Measured, head: str) -> Figure:
    names = [f"final metric, {head}, {who}" for who in ("ours", "plain")]
    what = f"{head}: final accuracy on unseen utterances, mean and deviation over seeds"
    if any(failure(measured, name) for name in names):
        return Figure(what, failure(measured, names[0]) or "-", failure(measured, names[1]) or "-", "-")
    ours, plain = (done(measured, name)[0]["accuracies"] for name in names)
    gap = statistics.mean(ours) - statistics.mean(plain)
    said = f"{gap:+.2f} points, p = {_chance(ours, plain):.2f}"
    return Figure(what, _mean(ours), _mean(plain), said, "p > 0.05", headline=True)


def _chance(ours: list[float], plain: list[float]) -> float:
    """That seeds alone differ so much: Welch's test; 1 where no seed changes anything."""
    from scipy.stats import ttest_ind

    if len({*ours, *plain}) == 1:
        return 1.0
    return float(ttest_ind(ours, plain, equal_var=False).pvalue)


def _mean(values: list[float]) -> str:
    return f"{statistics.mean(values):.2f} +- {statistics.stdev(values):.2f} % ({len(values)} seeds)"


def _memory(measured: Measured) -> list[Figure]:
    found = []
    for ours, theirs in (
        ("superb_linear, ours", "superb_linear, plain loop on frames"),
        ("e2v_linear, ours", _ALONE),
        ("sweep, ours", "sweep, scikit-learn"),
    ):
        if failure(measured, ours) or failure(measured, theirs):
            continue
        peaks = [median(measured, name, lambda v: float(v["peak_anonymous_mib"])) for name in (ours, theirs)]
        said = [f"{peak:.0f} MiB" for peak in peaks]
        what = f"peak anonymous memory of a process, {ours.partition(',')[0]}"
        found.append(
            Figure(what, said[0], f"{theirs.partition(', ')[2]}: {said[1]}", f"{peaks[1] / peaks[0]:.2f}")
        )
    return found
