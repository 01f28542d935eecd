"""Scores of numbers and of shares: folds, pooled figure and speaker bootstrap from the rows; the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from harness.contracts import Example
from harness.errors import HarnessError, MetricError
from harness.predictions import (
    COLUMNS,
    TARGETS,
    Predictions,
    concatenate,
    predictions_of,
    read_predictions,
    write_predictions,
)
from harness.statistics import score

NAMES = ("arousal", "valence")
LABELS = ("anger", "joy", "sad")


def scales(
    fold: str = "f0", seed: int = 0, speakers: tuple[int, ...] = (0, 1, 2), count: int = 6
) -> Predictions:
    """Values that drift from speaker to speaker, predicted with noise and a bias."""
    chance = np.random.default_rng([5, *fold.encode()])
    rows = [
        Example(f"{fold}v{who}-{n}", ("x",), "", f"v{who}", values=tuple(3 + who / 2 + chance.normal(size=2)))
        for who in speakers
        for n in range(count)
    ]
    truth = np.array([row.values for row in rows])
    guess = 0.5 * truth + 2 + np.random.default_rng([seed, *fold.encode()]).normal(size=truth.shape)
    return predictions_of(
        rows, guess.astype(np.float32), classes=NAMES, run="r", fold=fold, seed=seed, kind="scales"
    )


def shares(fold: str = "f0", seed: int = 0) -> Predictions:
    chance = np.random.default_rng([6, *fold.encode()])
    votes = chance.multinomial(4, [0.5, 0.3, 0.2], size=9) / 4
    rows = [
        Example(f"{fold}-{n}", ("x",), LABELS[int(one.argmax())], f"v{n % 3}", values=tuple(one))
        for n, one in enumerate(votes)
    ]
    logits = np.random.default_rng([seed, *fold.encode()]).normal(size=(9, 3)).astype(np.float32)
    return predictions_of(rows, logits, classes=LABELS, run="r", fold=fold, seed=seed, kind="shares")


def run_of_two_seeds() -> Predictions:
    folds = {"f0": (0, 1, 2), "f1": (3, 4), "f2": (5, 6, 7)}
    return concatenate([scales(name, seed, who) for name, who in folds.items() for seed in (0, 1)])


def lin(table: pd.DataFrame, column: int) -> float:
    x = np.stack(table[TARGETS].tolist())[:, column]
    y = np.stack(table["logits"].tolist())[:, column].astype(np.float64)
    return float(2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))


@pytest.mark.parametrize("column", [0, 1])
def test_figures_are_what_their_names_say(column: int) -> None:
    predictions = run_of_two_seeds()
    result = score(predictions, metrics=["ccc"], resamples=5).metrics[f"ccc_{NAMES[column]}"]
    by_seed = [part for _, part in predictions.table.groupby("seed")]
    folds = {
        fold: np.mean([lin(part[part["fold"] == fold], column) for part in by_seed])
        for fold in ("f0", "f1", "f2")
    }
    # a few dozen float64 operations on numbers of size 10
    assert dict(result.per_fold) == pytest.approx(folds, abs=1e-12)
    assert result.fold_mean == pytest.approx(np.mean(list(folds.values())), abs=1e-12)
    assert result.pooled == pytest.approx(np.mean([lin(part, column) for part in by_seed]), abs=1e-12)


def test_the_mean_over_scales_is_the_metric() -> None:
    metrics = score(run_of_two_seeds(), metrics=["ccc"], resamples=5).metrics
    assert set(metrics) == {"ccc", "ccc_arousal", "ccc_valence"}
    both = (metrics["ccc_arousal"].pooled + metrics["ccc_valence"].pooled) / 2
    assert metrics["ccc"].pooled == pytest.approx(both, abs=1e-12)
    assert not metrics["ccc"].percent
    assert not metrics["ccc"].lower_is_better
    assert score(run_of_two_seeds(), metrics=["rmse"], resamples=5).metrics["rmse"].lower_is_better


def test_the_interval_is_that_of_rows_repeated_with_their_speakers() -> None:
    predictions = run_of_two_seeds()
    result = score(predictions, metrics=["ccc_arousal"], resamples=40, level=0.8, seed=4).metrics[
        "ccc_arousal"
    ]
    speakers = sorted(set(predictions.table["speaker"]))
    draws = np.random.default_rng(4).multinomial(
        len(speakers), np.full(len(speakers), 1 / len(speakers)), size=40
    )
    wholes = []
    for draw in draws:
        per_seed = []
        for _, rows in predictions.table.groupby("seed"):
            parts = [
                rows[rows["speaker"] == who] for who, n in zip(speakers, draw, strict=True) for _ in range(n)
            ]
            per_seed.append(lin(pd.concat(parts), 0))
        wholes.append(np.mean(per_seed))
    limits = np.quantile(wholes, [0.1, 0.9])
    assert (result.pooled_interval.low, result.pooled_interval.high) == pytest.approx(
        tuple(limits), abs=1e-12
    )


def test_scales_have_no_confusion_and_shares_do() -> None:
    assert score(scales(), resamples=5).confusion is None
    found = score(shares(), resamples=5)
    assert found.kind == "shares"
    assert sum(map(sum, found.confusion or ())) == 9
    assert {"jsd", "kl", "cosine", "votes_f1", "wa", "ua"} <= set(found.metrics)


def test_a_metric_of_classes_is_refused_for_scales() -> None:
    with pytest.raises(MetricError, match="ua cannot score targets that are scales"):
        score(scales(), metrics=["ua"])


def test_shares_are_the_softmax_of_the_logits() -> None:
    predictions = shares()
    p = np.stack(predictions.table[TARGETS].tolist())
    logits = np.stack(predictions.table["logits"].tolist()).astype(np.float64)
    q = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = float(-np.mean(np.sum(p * np.log(q), axis=1)))
    assert score(predictions, metrics=["cross_entropy"], resamples=5).metrics[
        "cross_entropy"
    ].pooled == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("made", [scales, shares])
def test_the_disk_gives_back_what_it_got(tmp_path: Path, made: Any) -> None:
    whole = concatenate([made("f1", 0), made("f2", 0), made("f1", 1), made("f2", 1)])
    write_predictions(whole, tmp_path / "p.parquet")
    again = read_predictions(tmp_path / "p.parquet")
    assert (again.classes, again.kind) == (whole.classes, whole.kind)
    assert tuple(again.table.columns) == (*COLUMNS, TARGETS)
    for name in (TARGETS, "logits"):
        one, other = (np.stack(each.table[name].tolist()) for each in (again, whole))
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert score(again, resamples=9) == score(whole, resamples=9)


def test_rows_of_scales_name_no_class() -> None:
    table = scales().table
    assert set(table["truth"]) == set(table["predicted"]) == {""}
    assert set(shares().table["predicted"]) <= set(LABELS)


def test_a_file_of_version_1_holds_classes(tmp_path: Path) -> None:
    rows = [Example("a", ("a",), "joy", "v"), Example("b", ("b",), "sad", "v")]
    path = tmp_path / "p.parquet"
    write_predictions(
        predictions_of(rows, np.eye(2, 3, dtype=np.float32), classes=LABELS, run="r", fold="f", seed=0), path
    )
    table = parquet.read_table(path)
    note = {b"emoharness.predictions": b'{"version": 1, "classes": ["anger", "joy", "sad"]}'}
    parquet.write_table(table.replace_schema_metadata(note), path)
    assert read_predictions(path).kind == "classes"


def spoilt(path: Path, kind: str, column: str, values: Any) -> Path:
    write_predictions(scales() if kind == "scales" else shares(), path)
    table = parquet.read_table(path)
    note = table.schema.metadata
    table = table.drop_columns([column])
    if values is not None:
        table = table.append_column(column, [values])
    parquet.write_table(table.replace_schema_metadata(note), path)
    return path


@pytest.mark.parametrize(
    ("kind", "column", "values", "message"),
    [
        ("scales", TARGETS, None, "also targets"),
        ("scales", TARGETS, [[1.0]] * 18, "targets of another size"),
        ("scales", TARGETS, [[1.0, float("nan")]] * 18, "targets of .* not all finite"),
        ("scales", "truth", ["joy"] * 18, "its own list does not"),
        ("shares", TARGETS, [[0.5, 0.5, 0.5]] * 9, "no shares"),
        ("shares", TARGETS, [[1.5, -0.5, 0.0]] * 9, "no shares"),
        ("shares", "predicted", ["boredom"] * 9, "boredom"),
    ],
)
def test_spoilt_files_are_refused(tmp_path: Path, kind: str, column: str, values: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        read_predictions(spoilt(tmp_path / "p.parquet", kind, column, values))


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    write_predictions(scales(), path)
    note = {b"emoharness.predictions": b'{"version": 2, "kind": "ranks", "classes": ["arousal", "valence"]}'}
    parquet.write_table(parquet.read_table(path).replace_schema_metadata(note), path)
    with pytest.raises(HarnessError, match="unknown kind"):
        read_predictions(path)


def test_parts_of_two_kinds_do_not_belong_together() -> None:
    other = shares("f2")
    with pytest.raises(HarnessError, match="same classes"):
        concatenate([shares("f1"), Predictions(other.table, other.classes, "scales")])


def test_two_true_values_for_one_example_are_a_contradiction() -> None:
    one, other = scales("f1", 0), scales("f1", 1)
    other.table.at[0, TARGETS] = np.array([9.0, 9.0])
    with pytest.raises(HarnessError, match="1 examples with two truths"):
        concatenate([one, other])
