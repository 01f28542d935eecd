"""Runs whose targets are no classes, end to end on the embedded corpus: numbers on scales, and raters' shares."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.corpora import read_names, synthetic
from harness.manifest import mapping_in
from harness.predictions import read_predictions

Call = Callable[..., tuple[int, str, str]]
SCALES = ("run", "recipe=synthetic_dimensions", "upstream=mfcc", "head.epochs=15", "resamples=200")
SHARES = ("run", "recipe=synthetic_soft", "upstream=mfcc", "head.epochs=15", "resamples=200")


def only_record(results: Path) -> dict[str, Any]:
    (path,) = (results / "records").glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def numbers(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("session", "mean", "pooled", "  9"))]


def test_scales_are_learnt_recorded_and_read_again(harness: Call, results: Path) -> None:
    code, first, err = harness(*SCALES)
    assert code == 0, err
    record = only_record(results)
    scores = record["scores"]
    assert (scores["kind"], scores["confusion"]) == ("scales", None)
    assert list(scores["metrics"]) == [
        "ccc",
        "ccc_arousal",
        "ccc_valence",
        "ccc_dominance",
        "pearson",
        "rmse",
    ]
    # the invented raters follow the cues of the voices: spectra alone give about 0.6
    assert scores["metrics"]["ccc"]["fold_mean"] > 0.4
    assert scores["metrics"]["ccc"]["pooled_interval"]["low"] > 0.2
    assert record["shortcuts"]["majority"]["title"] == "training mean"
    assert record["shortcuts"]["majority"]["metrics"]["ccc"]["fold_mean"] == 0.0
    assert record["task"]["kind"] == "scales"
    assert record["protocol"]["folds"][0]["classes"] == {"train": {}, "dev": {}, "test": {}}
    assert "watch CCC" in record["selected"][0]["selected"]
    assert not list((results / "plots").glob("*.png"))
    code, second, err = harness(*SCALES)
    assert "nothing is extracted, nothing is trained" in err
    assert second == first
    code, third, _ = harness(*SCALES, "force=true")
    assert numbers(third) == numbers(first)


def test_predictions_of_scales_hold_the_raters_values(harness: Call, results: Path) -> None:
    harness(*SCALES)
    (path,) = (results / "predictions").glob("*.parquet")
    predictions = read_predictions(path)
    assert (predictions.kind, predictions.classes) == ("scales", ("arousal", "valence", "dominance"))
    rated = read_names(synthetic).table.set_index("id")["values"].map(mapping_in)
    for name, targets in zip(predictions.table["id"], predictions.table["targets"], strict=True):
        assert list(targets) == [rated[name][scale] for scale in predictions.classes]
    truth, said = (np.stack(predictions.table[column].tolist()) for column in ("targets", "logits"))
    assert said.min() > -2
    assert said.max() < 8  # in the owners' unit, 1 to 5
    assert float(np.abs(said.mean(0) - truth.mean(0)).max()) < 0.5


def test_shares_are_learnt_and_scored_by_classes_too(harness: Call, results: Path) -> None:
    code, out, err = harness(*SHARES)
    assert code == 0, err
    record = only_record(results)
    metrics, constant = record["scores"]["metrics"], record["shortcuts"]["majority"]
    assert list(metrics) == ["votes_f1", "jsd", "cross_entropy", "cosine", "ua"]
    assert constant["title"] == "mean shares"
    assert metrics["jsd"]["fold_mean"] < constant["metrics"]["jsd"]["fold_mean"] - 0.05
    assert metrics["ua"]["fold_mean"] > 0.4
    assert np.sum(record["scores"]["confusion"]) == 240
    assert "less is better: JSD, CROSS_ENTROPY" in out
    assert len(list((results / "plots").glob("*.png"))) == 1


def test_the_board_shows_each_kind_by_its_own_measure(harness: Call, results: Path) -> None:
    harness(*SCALES)
    harness(*SCALES, "upstream=fbank")
    harness(*SHARES)
    harness("run", "recipe=synthetic_5fold", "upstream=mfcc", "resamples=200")
    code, board, err = harness("leaderboard", f"results={results}")
    assert code == 0, err
    heads = [line for line in board.splitlines() if line.startswith("| rank")]
    assert ["WA" in head for head in heads] == [True, False, False]
    assert ["CCC arousal" in head for head in heads] == [False, True, False]
    assert ["JSD" in head for head in heads] == [False, False, True]
    with (results / "leaderboard.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["recipe"] == "synthetic_dimensions"]
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert float(rows[0]["CCC"]) > float(rows[1]["CCC"])
    assert rows[0]["WA"] == ""
    assert "best shortcut (CCC)" in rows[0]
    latex = (results / "leaderboard.tex").read_text()
    assert latex.count(r"\begin{tabular}") == 3


def test_less_divergence_ranks_first(harness: Call, results: Path) -> None:
    harness(*SHARES)
    harness(*SHARES, "head.epochs=1")
    harness("leaderboard", f"results={results}")
    with (results / "leaderboard.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2"]
    assert float(rows[0]["JSD"]) < float(rows[1]["JSD"])


def test_stored_predictions_are_scored_again(harness: Call, results: Path) -> None:
    _, out, _ = harness(*SCALES)
    code, again, err = harness("score", f"results={results}", "resamples=200")
    assert code == 0, err
    assert numbers(again) == numbers(out)
    code, _, err = harness("score", f"results={results}", "metrics=[wa]")
    assert code == 2
    assert "wa cannot score targets that are scales" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("recipe=synthetic_dimensions", "head=lda"), "lda does not predict scales"),
        (("recipe=synthetic_soft", "head=scales_mlp"), "scales_mlp does not predict shares"),
        (("recipe=synthetic_5fold", "head=shares_mlp"), "shares_mlp does not predict classes"),
        (("recipe=synthetic_dimensions", "metrics=[ua]"), "ua cannot score targets that are scales"),
        (("recipe=synthetic_dimensions", "metrics=[ccc_tension]"), "no CCC of 'tension'"),
        (("recipe=synthetic_dimensions", "metrics=[cc]"), "did you mean ccc"),
        (("recipe=synthetic_dimensions", "task.names=[tension]"), "nobody has rated tension"),
        (("recipe=synthetic_soft", "task.folder=no/such/place"), "task.folder is no folder"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_extracted(
    harness: Call, results: Path, words: tuple[str, ...], message: str
) -> None:
    code, _, err = harness("run", *words, "upstream=mfcc")
    assert code == 2
    assert message in err
    assert "extracting" not in err
    assert not (results / "cells").exists()


def test_other_values_are_another_protocol(harness: Call, results: Path) -> None:
    """The same ids with other scales, or the scales in another order, are other cells."""
    for names in ("[arousal,valence]", "[valence,arousal]"):
        code, _, err = harness(*SCALES, f"task.names={names}", "head.epochs=1")
        assert code == 0, err
    assert len(list((results / "cells").iterdir())) == 2


def emo_superb_folder(root: Path) -> Path:
    """EMO-SUPERB's own files about the embedded corpus: three partitions by speaker, smoothed shares."""
    root.mkdir()
    classes = ["sad", "happy", "neutral", "angry"]
    said = {"sadness": "sad", "happiness": "happy", "neutral": "neutral", "anger": "angry"}
    config = {
        "data_split_type": {"train": "Train", "dev": "Development", "test": "Test"},
        "categorical": {"emo_type": classes},
    }
    (root / "config.json").write_text(json.dumps(config))
    rows = list(synthetic.read(read_names(synthetic).root))
    for number in (1, 2, 3):
        part = {str(number): "Test", str(number % 3 + 1): "Development"}
        lines = [",".join(["FileName", *classes, "SpkrID", "Gender", "Split_Set"])]
        for row in rows:
            total = sum(row.ratings.values())
            shares = {said[name]: count / total for name, count in row.ratings.items()}
            smooth = [0.95 * shares.get(name, 0) + 0.05 * (1 - shares.get(name, 0)) / 3 for name in classes]
            texts = [f"{share:.6f}" for share in smooth]
            where = part.get(row.session, "Train")
            lines.append(",".join([f"{row.id}.wav", *texts, row.speaker, row.gender.title(), where]))
        (root / f"labels_consensus_{number}.csv").write_text("\n".join(lines) + "\n")
    return root


def test_emo_superbs_files_give_task_and_partitions(harness: Call, results: Path, tmp_path: Path) -> None:
    folder = emo_superb_folder(tmp_path / "SECRET_place")
    code, _, err = harness(
        "run",
        "recipe=emo_superb_soft",
        "corpus=synthetic",
        "upstream=mfcc",
        f"split.folder={folder}",
        "split.unlisted=skip",
        "head.epochs=10",
        "resamples=100",
    )
    assert code == 0, err
    record = only_record(results)
    assert record["task"]["classes"] == ["sad", "happy", "neutral", "angry"]
    assert record["task"]["name"] == "soft_labels"
    assert [fold["examples"]["test"] for fold in record["protocol"]["folds"]] == [48, 48, 48]
    assert not record["protocol"]["shared_speakers"]
    assert 0 < record["scores"]["metrics"]["votes_f1"]["fold_mean"] < 1
    assert "watch CE" in record["selected"][0]["selected"]
    assert "SECRET_place" not in json.dumps(record)
