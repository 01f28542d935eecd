"""Scores against their definition, intervals against a bootstrap that repeats rows, and coverage by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, recall_score

from harness.errors import MetricError, UnknownNameError
from harness.predictions import Predictions
from harness.statistics import Scores, score

CLASSES = ("anger", "joy", "sad")


def reference(name: str, truth: list[str], predicted: list[str]) -> float:
    if name == "wa":
        return float(accuracy_score(truth, predicted))
    if name == "ua":
        return float(
            recall_score(truth, predicted, labels=sorted(set(truth)), average="macro", zero_division=0)
        )
    average = "weighted" if name == "wf1" else "macro"
    return float(f1_score(truth, predicted, average=average, zero_division=0))


def made(
    speakers: int = 6,
    per_speaker: int = 8,
    folds: int = 3,
    seeds: tuple[int, ...] = (0,),
    named: bool = True,
) -> Predictions:
    """Speakers of very different difficulty, dealt to the folds in turn."""
    rng = np.random.default_rng(5)
    ease = rng.uniform(0.2, 0.95, speakers)
    truths = rng.choice(CLASSES, (speakers, per_speaker))
    rows: list[dict[str, Any]] = []
    for seed in seeds:
        for who in range(speakers):
            for n in range(per_speaker):
                truth = str(truths[who, n])
                guess = truth if rng.random() < ease[who] else str(rng.choice(CLASSES))
                name = f"v{who}"
                rows.append(
                    {
                        "fold": f"f{who % folds}",
                        "seed": seed,
                        "id": f"{name}-{n}",
                        "truth": truth,
                        "predicted": guess,
                        "speaker": name if named else "",
                    }
                )
    table = pd.DataFrame(rows).assign(run="r", duration_s=1.0)
    table["logits"] = [np.zeros(3, np.float32)] * len(table)
    return Predictions(table, CLASSES)


def by_definition(table: pd.DataFrame, name: str) -> tuple[float, float, dict[str, float]]:
    """Fold mean, pooled figure and folds, from the rows themselves."""
    per_seed, whole = [], []
    for _, part in table.groupby("seed"):
        per_seed.append(
            {f: reference(name, list(c["truth"]), list(c["predicted"])) for f, c in part.groupby("fold")}
        )
        whole.append(reference(name, list(part["truth"]), list(part["predicted"])))
    folds = {str(f): float(np.mean([row[f] for row in per_seed])) for f in per_seed[0]}
    return float(np.mean(list(folds.values()))), float(np.mean(whole)), folds


@pytest.mark.parametrize("name", ["wa", "ua", "wf1", "macro_f1"])
@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_figures_are_what_their_names_say(name: str, seeds: tuple[int, ...]) -> None:
    predictions = made(seeds=seeds)
    result = score(predictions, resamples=10).metrics[name]
    mean, whole, folds = by_definition(predictions.table, name)
    assert result.fold_mean == pytest.approx(mean, abs=1e-12)
    assert result.pooled == pytest.approx(whole, abs=1e-12)
    assert dict(result.per_fold) == pytest.approx(folds, abs=1e-12)
    assert result.fold_std == pytest.approx(np.std(list(folds.values()), ddof=1), abs=1e-12)
    assert (result.seed_std is None) == (len(seeds) == 1)


def test_seeds_are_averaged_after_the_metric_not_before() -> None:
    table = made(seeds=(0, 1)).table
    result = score(Predictions(table, CLASSES), resamples=10).metrics["macro_f1"]
    mixed = reference("macro_f1", list(table["truth"]), list(table["predicted"]))
    assert result.pooled != pytest.approx(mixed, abs=1e-6)


def test_seed_std_is_that_of_the_fold_mean() -> None:
    table = made(seeds=(0, 1, 2)).table
    means = [by_definition(part, "ua")[0] for _, part in table.groupby("seed")]
    result = score(Predictions(table, CLASSES), resamples=10).metrics["ua"]
    assert result.seed_std == pytest.approx(np.std(means, ddof=1), abs=1e-12)


def brute_force(table: pd.DataFrame, name: str, draws: np.ndarray) -> tuple[list[float], list[float]]:
    """Fold means and pooled figures from tables in which every drawn speaker's rows are really repeated."""
    speakers = sorted(set(table["speaker"]))
    size = {fold: part["speaker"].nunique() for fold, part in table.groupby("fold")}
    means, wholes = [], []
    for draw in draws:
        per_seed, per_seed_whole = [], []
        for _, seed_rows in table.groupby("seed"):
            rows = pd.concat(
                [
                    seed_rows[seed_rows["speaker"] == s]
                    for s, n in zip(speakers, draw, strict=True)
                    for _ in range(n)
                ]
            )
            values, weights = [], []
            for fold, part in rows.groupby("fold"):
                values.append(reference(name, list(part["truth"]), list(part["predicted"])))
                here = sorted(set(table[table["fold"] == fold]["speaker"]))
                drawn = sum(n for s, n in zip(speakers, draw, strict=True) if s in here)
                weights.append(drawn / size[fold])
            per_seed.append(np.average(values, weights=weights))
            per_seed_whole.append(reference(name, list(rows["truth"]), list(rows["predicted"])))
        means.append(float(np.mean(per_seed)))
        wholes.append(float(np.mean(per_seed_whole)))
    return means, wholes


@pytest.mark.parametrize("name", ["wa", "ua", "wf1", "macro_f1"])
@pytest.mark.parametrize("folds", [2, 7], ids=["three or four speakers a fold", "one speaker a fold"])
def test_interval_equals_brute_force_on_the_same_draws(name: str, folds: int) -> None:
    predictions = made(speakers=7, folds=folds, seeds=(0, 1))
    resamples = 12
    result = score(predictions, metrics=[name], resamples=resamples, level=0.8, seed=4).metrics[name]
    draws = np.random.default_rng(4).multinomial(7, np.full(7, 1 / 7), size=resamples)
    means, wholes = brute_force(predictions.table, name, draws)
    for interval, values in ((result.fold_mean_interval, means), (result.pooled_interval, wholes)):
        low, high = np.quantile(values, [0.1, 0.9])
        assert interval.low == pytest.approx(low, abs=1e-12)
        assert interval.high == pytest.approx(high, abs=1e-12)


def test_one_speaker_a_fold_is_the_bootstrap_of_the_mean_over_speakers() -> None:
    """With many speakers the interval is the normal one of the mean; Monte Carlo error of 4,000 draws: 3 %."""
    predictions = made(speakers=60, folds=60, per_speaker=10)
    result = score(predictions, metrics=["wa"], resamples=4000).metrics["wa"]
    width = result.fold_mean_interval.high - result.fold_mean_interval.low  # type: ignore[operator]
    expected = 2 * 1.96 * np.std(list(result.per_fold.values())) / np.sqrt(60)
    assert width == pytest.approx(expected, rel=0.08)


def simulated(rng: np.random.Generator, speakers: int) -> tuple[Predictions, float]:
    """Right or wrong by a speaker's own share, whose mean over all speakers there are is 0.6."""
    shares = rng.beta(6, 4, speakers)
    right = rng.random((speakers, 12)) < shares[:, None]
    who = np.repeat(np.arange(speakers), 12)
    table = pd.DataFrame(
        {
            "run": "r",
            "fold": [f"f{n % 5}" for n in who],
            "seed": 0,
            "id": [f"u{n}" for n in range(len(who))],
            "truth": "joy",
            "predicted": np.where(right.ravel(), "joy", "sad"),
            "speaker": [f"v{n}" for n in who],
            "duration_s": 1.0,
        }
    )
    table["logits"] = [np.zeros(3, np.float32)] * len(table)
    return Predictions(table, CLASSES), 0.6


def test_coverage_is_near_what_is_promised() -> None:
    """200 worlds of 30 speakers, 95 % intervals: measured 93 %, standard error 1.8 %.

    A percentile interval over 30 clusters is a little narrow by nature; the bounds are about three standard
    errors around 94 %.
    """
    rng = np.random.default_rng(11)
    inside = {"pooled": 0, "fold mean": 0}
    for _ in range(200):
        predictions, truth = simulated(rng, 30)
        wa = score(predictions, metrics=["wa"], resamples=300).metrics["wa"]
        inside["pooled"] += wa.pooled_interval.low <= truth <= wa.pooled_interval.high  # type: ignore[operator]
        inside["fold mean"] += wa.fold_mean_interval.low <= truth <= wa.fold_mean_interval.high  # type: ignore[operator]
    assert all(0.885 <= count / 200 <= 0.99 for count in inside.values()), inside


def test_speakers_make_the_interval_wider_than_utterances_do() -> None:
    """Twelve utterances a speaker are not twelve opinions."""
    predictions, _ = simulated(np.random.default_rng(3), 20)
    alone = predictions.table.assign(speaker=predictions.table["id"])
    clustered = score(predictions, metrics=["wa"]).metrics["wa"].pooled_interval
    naive = score(Predictions(alone, CLASSES), metrics=["wa"]).metrics["wa"].pooled_interval
    assert clustered.high - clustered.low > 1.2 * (naive.high - naive.low)  # type: ignore[operator]


@given(seed=st.integers(0, 100))
@settings(max_examples=10)
def test_order_of_rows_does_not_matter(seed: int) -> None:
    predictions = made(seeds=(0, 1))
    mixed = predictions.table.sample(frac=1.0, random_state=seed)
    assert score(Predictions(mixed, CLASSES), resamples=50) == score(predictions, resamples=50)


def test_same_seed_same_interval_other_seed_another() -> None:
    first, again, other = (
        score(made(), resamples=50, seed=s).metrics["wa"].pooled_interval for s in (1, 1, 2)
    )
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


def test_the_interval_describes_itself() -> None:
    interval = (
        score(made(speakers=9), metrics=["ua"], resamples=77, level=0.9, seed=3).metrics["ua"].pooled_interval
    )
    assert (interval.resamples, interval.level, interval.seed, interval.speakers) == (77, 0.9, 3, 9)
    assert interval.note == ""
    assert 0.0 <= interval.low < interval.high <= 1.0  # type: ignore[operator]


@pytest.mark.parametrize(("speakers", "note"), [(1, "one speaker"), (7, "only 7 speakers"), (8, "")])
def test_few_speakers_are_said_aloud(speakers: int, note: str) -> None:
    result = score(made(speakers=speakers, folds=1), resamples=20).metrics["wa"]
    for interval in (result.pooled_interval, result.fold_mean_interval):
        assert interval.note.startswith(note)
        assert bool(interval.note) == bool(note)
        assert (interval.low is None) == (speakers == 1)
    assert result.fold_std is None


def test_unknown_speakers_are_said_aloud() -> None:
    result = score(made(named=False), resamples=20)
    assert result.speakers == 0
    interval = result.metrics["wa"].pooled_interval
    assert interval.speakers == 48
    assert "unknown speakers" in interval.note


def test_scores_count_once() -> None:
    result: Scores = score(made(seeds=(0, 1)), resamples=10)
    assert (result.examples, result.speakers) == (48, 6)
    assert (result.folds, result.seeds) == (("f0", "f1", "f2"), (0, 1))
    assert np.sum(result.confusion) == 96
    assert set(result.metrics) == {"wa", "ua", "wf1", "macro_f1"}


def test_runs_are_not_mixed() -> None:
    table = pd.concat([made().table, made().table.assign(run="other")])
    with pytest.raises(MetricError, match="one run"):
        score(Predictions(table, CLASSES))


@pytest.mark.parametrize("rows", [slice(0, 95), slice(1, 96)])
def test_a_seed_that_lacks_examples_is_refused(rows: slice) -> None:
    table = made(seeds=(0, 1)).table.iloc[rows]
    with pytest.raises(MetricError, match="same examples"):
        score(Predictions(table, CLASSES))


def test_unknown_metric_and_senseless_settings() -> None:
    with pytest.raises(UnknownNameError, match="wf1"):
        score(made(), metrics=["wf"])
    with pytest.raises(MetricError, match="resamples"):
        score(made(), resamples=0)
    with pytest.raises(MetricError, match="level"):
        score(made(), level=95.0)
