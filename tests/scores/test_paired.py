"""Two runs over the same examples: the paired interval against doing it by hand, and against its own coverage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from harness.contracts import Example
from harness.errors import MetricError
from harness.metrics import metric_named
from harness.paired import compare
from harness.predictions import Predictions, concatenate, predictions_of

CLASSES = ("joy", "sad")


def run(right: float, seed: int, *, speakers: int = 10, each: int = 20, hard: float = 0.0) -> Predictions:
    """Every second speaker is a fold's; a share of answers is right, less where a speaker is hard."""
    rng, skill = np.random.default_rng(seed), np.random.default_rng(99).uniform(-hard, hard, speakers)
    parts = []
    for fold in range(min(2, speakers)):
        tested = [
            Example(f"{s}-{n}", (f"{s}-{n}",), CLASSES[n % 2], f"speaker{s}")
            for s in range(fold, speakers, 2)
            for n in range(each)
        ]
        chance = np.array([right + skill[int(one.speaker[7:])] for one in tested])
        truth = np.array([CLASSES.index(one.target) for one in tested])
        guess = np.where(rng.random(len(tested)) < chance, truth, 1 - truth)
        logits = np.eye(2, dtype=np.float32)[guess]
        parts.append(predictions_of(tested, logits, classes=CLASSES, run=f"r{seed}", fold=f"f{fold}", seed=0))
    return concatenate(parts)


def test_the_difference_is_that_of_the_scores() -> None:
    before, after = run(0.5, 1), run(0.8, 2)
    found = compare([before], [after], metric_named("wa"))
    scores = [accuracy_score(one.table["truth"], one.table["predicted"]) for one in (before, after)]
    assert found.pooled.before == pytest.approx(scores[0])
    assert found.pooled.difference == pytest.approx(scores[1] - scores[0])
    assert found.pooled.sure
    assert found.speakers == 10


def test_every_draw_takes_the_same_speakers_on_both_sides() -> None:
    """By hand: draw speakers, score both sides on them, take the difference; same seed, same limits."""
    before, after = run(0.6, 1, hard=0.3), run(0.7, 2, hard=0.3)
    found = compare([before], [after], metric_named("wa"), resamples=500, seed=3)
    names = sorted(set(before.table["speaker"]))
    draws = np.random.default_rng(3).multinomial(len(names), [1 / len(names)] * len(names), size=500)

    def drawn(one: Predictions, weights: np.ndarray) -> float:
        table = one.table
        weight = table["speaker"].map(dict(zip(names, weights, strict=True)))
        return float(((table["truth"] == table["predicted"]) * weight).sum() / weight.sum())

    by_hand = [drawn(after, weights) - drawn(before, weights) for weights in draws]
    assert found.pooled.low == pytest.approx(np.quantile(by_hand, 0.025))
    assert found.pooled.high == pytest.approx(np.quantile(by_hand, 0.975))


def test_what_makes_a_speaker_hard_for_both_cancels_out() -> None:
    """The paired interval is narrower than the two single ones are together."""
    before, after = run(0.5, 1, hard=0.45, each=200), run(0.55, 2, hard=0.45, each=200)
    found = compare([before], [after], metric_named("wa"))
    alone = compare([before], [run(1.0, 3, each=200)], metric_named("wa"))  # differs by what `before` varies
    assert found.pooled.high is not None
    assert alone.pooled.high is not None
    width = found.pooled.high - (found.pooled.low or 0)
    assert width < 0.4 * (alone.pooled.high - (alone.pooled.low or 0))


def test_a_run_beside_itself_gains_nothing() -> None:
    one = run(0.6, 1)
    found = compare([one], [one], metric_named("ua"))
    assert (found.pooled.low, found.pooled.difference, found.pooled.high) == (0, 0, 0)
    assert not found.pooled.sure


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_turned_round_it_is_the_same_with_the_other_sign(seed: int) -> None:
    before, after = run(0.5, seed, each=6), run(0.7, seed + 1, each=6)
    there = compare([before], [after], metric_named("wa"), resamples=200).fold_mean
    back = compare([after], [before], metric_named("wa"), resamples=200).fold_mean
    assert back.difference == pytest.approx(-there.difference)
    assert back.low == pytest.approx(-(there.high or 0))


def test_several_runs_of_a_side_are_averaged() -> None:
    sides = [run(0.5, 1), run(0.6, 2)], [run(0.7, 3), run(0.8, 4)]
    found = compare(*sides, metric_named("wa")).pooled
    single = [compare([a], [b], metric_named("wa")).pooled for a, b in zip(*sides, strict=True)]
    assert found.difference == pytest.approx(np.mean([one.difference for one in single]))


def test_nineteen_times_of_twenty_equal_sides_are_not_told_apart() -> None:
    """Simulated: with 20 speakers the interval leaves zero out in about 5 % of 100 worlds without a difference."""
    told = [
        compare(
            [run(0.6, 2 * n, speakers=20)],
            [run(0.6, 2 * n + 1, speakers=20)],
            metric_named("wa"),
            resamples=200,
        ).pooled.sure
        for n in range(100)
    ]
    assert 0 < np.mean(told) <= 0.15


@pytest.mark.parametrize("change", ["truth", "speaker", "fold"])
def test_sides_that_differ_in_more_than_the_answer_are_refused(change: str) -> None:
    one = run(0.6, 1)
    table = one.table.copy()
    table.loc[3, change] = {"truth": "joy", "speaker": "somebody", "fold": "f1"}[change]
    with pytest.raises(MetricError, match="same examples"):
        compare([one], [replace(one, table=table)], metric_named("wa"))
    with pytest.raises(MetricError, match="two sides"):
        compare([], [one], metric_named("wa"))


def test_with_one_speaker_there_is_no_interval() -> None:
    found = compare([run(0.5, 1, speakers=1)], [run(0.9, 2, speakers=1)], metric_named("wa"))
    assert found.pooled.low is None
    assert not found.pooled.sure
