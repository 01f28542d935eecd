"""Scores of a run, and how sure one can be of them: fold mean and pooled figure, each with an interval.

Utterances of one speaker resemble each other, so the interval resamples speakers, not utterances (a cluster
bootstrap: Davison and Hinkley 1997, section 3.8; percentile limits: Efron and Tibshirani 1993, chapter 13).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Kind
from harness.errors import MetricError
from harness.metrics import Metric, Outcomes, Statistic, Sums, class_indices, metrics_for
from harness.predictions import TARGETS, Predictions

if TYPE_CHECKING:
    import pandas as pd

FEW_SPEAKERS = 8
"""Below this many, a percentile interval over speakers is too narrow to be taken at its word.

Simulated (600 worlds, a share of right answers per speaker from Beta(6, 4)), 95 % intervals hold the truth in
50 % with 2 speakers, 76 % with 4, 83 % with 5, 84 % with 7, 87 % with 8, 90 % with 10 and 93 % with 20.
"""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A percentile interval from a bootstrap over speakers."""

    low: float | None
    """None where there is nothing to resample."""
    high: float | None
    level: float
    resamples: int
    speakers: int
    seed: int
    note: str = ""
    """What makes the interval less than it seems; empty where nothing does."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One metric of one run; every figure is a mean over the head's seeds, a share between 0 and 1 or a number."""

    metric: str
    title: str
    per_fold: Mapping[str, float]
    fold_mean: float
    """Plain mean of the folds, as the papers report it."""
    fold_std: float | None
    """Standard deviation of the folds (divided by folds - 1); None with one fold."""
    fold_mean_interval: Interval
    pooled: float
    """The metric of all test predictions of all folds together."""
    pooled_interval: Interval
    seed_std: float | None
    """Standard deviation of the fold mean over seeds (divided by seeds - 1); None with one seed."""
    percent: bool = True
    """Whether tables show it in percent."""
    lower_is_better: bool = False


@dataclass(frozen=True, kw_only=True)
class Scores:
    """All metrics of one run."""

    classes: tuple[str, ...]
    folds: tuple[str, ...]
    seeds: tuple[int, ...]
    examples: int
    """Test examples of all folds together, each counted once."""
    speakers: int
    """Speakers that the corpus names."""
    confusion: tuple[tuple[int, ...], ...] | None
    """Counts over all folds and seeds, rows truth, columns prediction; sums to examples x seeds. For shares of the
    classes with the largest one; None for scales."""
    metrics: Mapping[str, Score]
    kind: Kind = "classes"
    """Of the targets; for scales, `classes` are their names."""


class _Cell(NamedTuple):
    """One fold with one seed."""

    groups: NDArray[np.int64]
    """(k,) indices of the speakers in it."""
    sums: Sums
    """(k, *shape) of each, as a statistic adds them up; (k, C, C) for confusion matrices."""


Cells = tuple[tuple[_Cell, ...], ...]
"""Per seed, per fold."""


class _Rows(NamedTuple):
    """The rows of one fold with one seed."""

    chosen: NDArray[np.int64]
    """Positions in the table."""
    local: NDArray[np.int64]
    """(rows,) position of each row's speaker in `groups`."""
    groups: NDArray[np.int64]


class _Run(NamedTuple):
    """A run as rows and speakers: enough for the sums that any metric reads."""

    outcomes: Outcomes
    folds: tuple[str, ...]
    rows: tuple[tuple[_Rows, ...], ...]
    """Per seed, per fold."""
    groups: int
    note: str

    def cells(self, statistic: Statistic) -> Cells:
        """The sums of a statistic."""
        tally = statistic.tally(self.outcomes)
        return tuple(
            tuple(_Cell(one.groups, tally(one.chosen, one.local, len(one.groups))) for one in row)
            for row in self.rows
        )


class _Draws(NamedTuple):
    """What the intervals are made with."""

    weights: NDArray[np.float64]
    """(resamples, speakers)."""
    level: float
    seed: int


def score(
    predictions: Predictions,
    *,
    metrics: Sequence[str] | None = None,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Scores:
    """Score the predictions of one run.

    Each metric is taken per fold and seed and for the folds together; then it is averaged over the seeds. A
    seed is not a sample of speakers, so the bootstrap draws speakers once and gives all seeds the same ones.

    Args:
        predictions: of one run; every seed has to have predicted the same examples in the same folds.
        metrics: names; None means every registered one that this kind of target has.
        resamples: draws of speakers behind each interval.
        level: coverage aimed at.
        seed: of the draws.

    Raises:
        MetricError: there are several runs, or the seeds did not predict the same examples.
        UnknownNameError: a metric is not registered.
    """
    _check_settings(resamples, level)
    chosen = metrics_for(metrics, predictions.kind, predictions.classes)
    table = predictions.table
    seeds = _check_design(table)
    run = _run(predictions, seeds)
    draws = _Draws(_draw(run.groups, resamples, seed), level, seed)
    cells = {metric.reads.name: run.cells(metric.reads) for metric in chosen}
    return Scores(
        classes=predictions.classes,
        folds=run.folds,
        seeds=seeds,
        examples=len(table) // len(seeds),
        speakers=len(set(table["speaker"]) - {""}),
        confusion=_confusion(run.outcomes),
        metrics={metric.name: _score(metric, run, cells[metric.reads.name], draws) for metric in chosen},
        kind=predictions.kind,
    )


class Resampled(NamedTuple):
    """A metric of one run under the same draws of speakers as any other run over the same examples."""

    fold_mean: NDArray[np.float64]
    """(1 + resamples,): of the run as it is, then of every draw."""
    pooled: NDArray[np.float64]
    """The same of all folds together."""
    speakers: int


def resample(predictions: Predictions, metric: Metric, *, resamples: int = 2000, seed: int = 0) -> Resampled:
    """A metric under resampling of speakers, for comparing two runs draw by draw.

    Raises:
        MetricError: there are several runs, or the seeds did not predict the same examples.
    """
    run = _run(predictions, _check_design(predictions.table))
    cells = run.cells(metric.reads)
    weights = np.concatenate([np.ones((1, run.groups)), _draw(run.groups, resamples, seed)])
    return Resampled(fold_means(metric, cells, weights), pooled(metric, cells, weights), run.groups)


def _confusion(outcomes: Outcomes) -> tuple[tuple[int, ...], ...] | None:
    """What was taken for what in all folds and with all seeds."""
    size = len(outcomes.outputs)
    if outcomes.kind == "scales":
        return None
    counts = np.bincount(outcomes.truth_class * size + outcomes.predicted_class, minlength=size * size)
    return tuple(tuple(int(n) for n in row) for row in counts.reshape(size, size))


def _check_settings(resamples: int, level: float) -> None:
    if resamples < 1 or not 0.0 < level < 1.0:
        raise MetricError(
            "an interval needs resamples and a level",
            got=f"resamples {resamples}, level {level}",
            wanted="at least 1 resample, a level between 0 and 1",
            next_step="set resamples=2000",
        )


def _check_design(table: pd.DataFrame) -> tuple[int, ...]:
    """The seeds, if all of them predicted the same examples in the same folds."""
    runs = sorted(set(table["run"]))
    if len(runs) != 1:
        raise MetricError(
            "scores are of one run", got=", ".join(runs), wanted="one run", next_step="score each by itself"
        )
    cells: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for number, fold, example in zip(table["seed"], table["fold"], table["id"], strict=True):
        cells[int(number)].add((fold, example))
    if any(rows != cells[int(table["seed"].iloc[0])] for rows in cells.values()):
        raise MetricError(
            "the seeds did not predict the same examples",
            got=", ".join(f"seed {number}: {len(rows)} predictions" for number, rows in cells.items()),
            wanted="the same folds and examples for every seed",
            next_step="run the recipe again; it trains what is missing",
        )
    return tuple(sorted(cells))


def _run(predictions: Predictions, seeds: Sequence[int]) -> _Run:
    table = predictions.table
    names, note = _cluster_names(table)
    known = sorted(set(names))
    index = {name: position for position, name in enumerate(known)}
    groups = np.fromiter((index[name] for name in names), dtype=np.int64, count=len(names))
    folds = tuple(sorted(set(table["fold"])))
    where = table.reset_index(drop=True).groupby(["seed", "fold"]).indices
    rows = tuple(tuple(_rows(np.asarray(where[number, fold]), groups) for fold in folds) for number in seeds)
    return _Run(outcomes_of(predictions), folds, rows, len(known), note)


def _rows(chosen: NDArray[np.int64], groups: NDArray[np.int64]) -> _Rows:
    here, local = np.unique(groups[chosen], return_inverse=True)
    return _Rows(chosen, local.astype(np.int64), here)


def outcomes_of(predictions: Predictions) -> Outcomes:
    """Truth and prediction of every row, as metrics take them."""
    table, classes, kind = predictions.table, predictions.classes, predictions.kind
    nothing = np.empty(0, dtype=np.int64)
    named = kind != "scales"
    truth = np.stack(table[TARGETS].tolist()) if kind != "classes" else np.empty((0, len(classes)))
    said = np.stack(table["logits"].tolist()) if kind != "classes" else np.empty((0, len(classes)))
    predicted = said.astype(np.float64)
    return Outcomes(
        kind=kind,
        outputs=classes,
        truth_class=class_indices(table["truth"].tolist(), classes) if named else nothing,
        predicted_class=class_indices(table["predicted"].tolist(), classes) if named else nothing,
        truth=truth.astype(np.float64),
        predicted=_softmax(predicted) if kind == "shares" else predicted,
    )


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import softmax

    return np.asarray(softmax(logits, axis=1), dtype=np.float64)


def _cluster_names(table: pd.DataFrame) -> tuple[list[str], str]:
    """What is resampled as one: a speaker, or an utterance where the corpus does not name the speaker."""
    pairs = list(zip(table["speaker"], table["id"], strict=True))
    names = [f"speaker {speaker}" if speaker else f"utterance {i}" for speaker, i in pairs]
    nameless = len({i for speaker, i in pairs if not speaker})
    note = (
        f"{nameless} utterances of unknown speakers are resampled one by one: the interval is too narrow"
        if nameless
        else ""
    )
    return names, note


def _draw(groups: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """(resamples, speakers): how often each is drawn, with replacement, in as many draws as speakers."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1.0 / groups), size=resamples).astype(np.float64)


def _score(metric: Metric, run: _Run, cells: Cells, draws: _Draws) -> Score:
    whole = np.ones((1, run.groups))
    per_seed = [[float(metric(cell.sums.sum(axis=0))) for cell in row] for row in cells]
    per_fold = np.mean(per_seed, axis=0)
    means = np.mean(per_seed, axis=1)
    return Score(
        metric=metric.name,
        title=metric.title,
        per_fold={name: float(value) for name, value in zip(run.folds, per_fold, strict=True)},
        fold_mean=float(fold_means(metric, cells, whole)[0]),
        fold_std=float(np.std(per_fold, ddof=1)) if len(per_fold) > 1 else None,
        fold_mean_interval=_interval(fold_means(metric, cells, draws.weights), run, draws),
        pooled=float(pooled(metric, cells, whole)[0]),
        pooled_interval=_interval(pooled(metric, cells, draws.weights), run, draws),
        seed_std=float(np.std(means, ddof=1)) if len(means) > 1 else None,
        percent=metric.percent,
        lower_is_better=metric.lower_is_better,
    )


def pooled(
    metric: Metric, cells: Sequence[Sequence[_Cell]], draws: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(resamples,): the metric of the folds together, per draw of speakers, averaged over seeds."""
    scores = [metric(_together(row, draws)) for row in cells]
    return np.asarray(np.mean(scores, axis=0), dtype=np.float64)


def _together(row: Sequence[_Cell], draws: NDArray[np.float64]) -> Sums:
    """(resamples, *shape): the sums of all folds, added up one by one to spare memory."""
    total = _weighted(row[0], draws)
    for cell in row[1:]:
        total += _weighted(cell, draws)
    return total


def fold_means(
    metric: Metric, cells: Sequence[Sequence[_Cell]], draws: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(resamples,): the mean of the folds, per draw of speakers, averaged over seeds.

    A fold counts as often as its speakers were drawn on average, and not at all where none was. With every
    speaker drawn once this is the plain mean; with one speaker per fold it is the bootstrap of the mean over
    speakers (an unweighted mean over the folds that remain would be too narrow there by a quarter).
    """
    scores = [_fold_mean(metric, row, draws) for row in cells]
    return np.asarray(np.mean(scores, axis=0), dtype=np.float64)


def _fold_mean(metric: Metric, row: Sequence[_Cell], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    above, below = np.zeros(len(draws)), np.zeros(len(draws))
    for cell in row:
        weight = draws[:, cell.groups].mean(axis=1)
        live = weight > 0
        if live.any():
            above[live] += weight[live] * metric(_weighted(cell, draws[live]))
            below += weight
    return above / below


def _weighted(cell: _Cell, draws: NDArray[np.float64]) -> Sums:
    """(resamples, *shape): the cell's sums with every speaker as often as drawn."""
    shape = cell.sums.shape[1:]
    flat = draws[:, cell.groups] @ cell.sums.reshape(len(cell.groups), -1)
    return np.asarray(flat.reshape(-1, *shape), dtype=np.float64)


def _interval(values: NDArray[np.float64], run: _Run, draws: _Draws) -> Interval:
    level, seed = draws.level, draws.seed
    note = run.note
    low: float | None = None
    high: float | None = None
    if run.groups == 1:
        note = "one speaker: nothing can be said about others"
    else:
        low, high = (float(limit) for limit in np.quantile(values, [(1 - level) / 2, (1 + level) / 2]))
    if 1 < run.groups < FEW_SPEAKERS:
        note = f"only {run.groups} speakers: the interval is too narrow"
    return Interval(
        low=low, high=high, level=level, resamples=len(values), speakers=run.groups, seed=seed, note=note
    )
