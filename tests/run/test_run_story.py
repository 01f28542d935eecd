"""From a corpus to a recorded number on the embedded corpus: once, again, forced, killed, swept."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]
RUN = ("run", "recipe=synthetic_5fold", "upstream=mfcc", "head=lda")


def records(results: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted((results / "records").glob("*.json"))]


def numbers(text: str) -> list[str]:
    return [line for line in text.splitlines() if re.match(r"(Session|mean|pooled|  9|  std|\d)", line)]


def test_a_run_is_recorded_and_explains_itself(harness: Call, results: Path) -> None:
    code, out, err = harness(*RUN)
    assert code == 0, err
    assert "SYNTHETIC" in out
    (record,) = records(results)
    assert record["corpus"]["synthetic"] is True
    assert (
        record["task"]["examples"] + sum(record["task"]["dropped"].values()) == record["corpus"]["utterances"]
    )
    assert len(record["scores"]["folds"]) == 5
    assert set(record["scores"]["metrics"]) == {"wa", "ua", "wf1", "macro_f1"}
    assert {"corpus", "extract", "train", "score"} <= set(record["timings"])
    assert record["protocol"]["fingerprint"].startswith("folds-v1:")
    assert any("SYNTHETIC" in note for note in record["notes"])
    (picture,) = (results / "plots").glob("*.png")
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    (predictions,) = (results / "predictions").glob("*.parquet")
    assert predictions.stem == picture.stem


def test_a_second_run_does_nothing_and_says_the_same(harness: Call, results: Path) -> None:
    _, first, _ = harness(*RUN)
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*") if path.is_file()}
    code, second, err = harness(*RUN)
    assert code == 0
    assert "nothing is extracted, nothing is trained" in err
    assert second == first
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*") if path.is_file()} == before


def test_force_trains_again_and_agrees(harness: Call, results: Path) -> None:
    _, first, _ = harness(*RUN)
    (cell, *_) = sorted((results / "cells").rglob("*.parquet"))
    before = cell.stat().st_mtime_ns
    code, again, _ = harness(*RUN, "force=true")
    assert code == 0
    assert cell.stat().st_mtime_ns > before
    assert numbers(again) == numbers(first)


def test_damaged_cells_are_trained_again(harness: Call, results: Path) -> None:
    _, first, _ = harness(*RUN)
    (cell, *others) = sorted((results / "cells").rglob("*.parquet"))
    stamps = {path: path.stat().st_mtime_ns for path in others}
    cell.write_bytes(cell.read_bytes()[:100])
    next((results / "records").glob("*.json")).unlink()
    code, again, _ = harness(*RUN)
    assert code == 0
    assert numbers(again) == numbers(first)
    assert {path: path.stat().st_mtime_ns for path in others} == stamps


def test_another_seed_keeps_the_cells_of_the_first(harness: Call, results: Path) -> None:
    harness(*RUN)
    stamps = {path: path.stat().st_mtime_ns for path in (results / "cells").rglob("*.parquet")}
    code, out, _ = harness(*RUN, "seeds=[0,1]")
    assert code == 0
    assert "std over seeds" in out
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert len(list((results / "cells").rglob("*.parquet"))) == 10


def test_a_killed_run_goes_on_where_it_was(cache: Path, results: Path, harness: Call) -> None:
    words = ["run", "recipe=synthetic_5fold", "upstream=mfcc", "head=superb_linear", "head.updates=600"]
    command = [sys.executable, "-m", "harness", *words, f"results={results}", "track=false"]
    process = subprocess.Popen(
        command, env=os.environ | {"EMOHARNESS_CACHE": str(cache)}, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not list((results / "cells").rglob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stamps = {path: path.stat().st_mtime_ns for path in (results / "cells").rglob("*.json")}
    assert stamps
    code, _, err = harness(*words)
    assert code == 0, err
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert len(list((results / "cells").rglob("*.json"))) == 5
    assert len(records(results)) == 1


def test_hydra_sweeps_as_its_users_expect(harness: Call, results: Path) -> None:
    code, out, err = harness("run", "recipe=synthetic_5fold", "upstream=mfcc,fbank", "head=lda", "--multirun")
    assert code == 0, err
    assert {record["upstream"]["name"] for record in records(results)} == {"mfcc", "fbank"}
    assert out.count("mean of the folds") == 2
    assert not Path("multirun.yaml").exists()
    assert list((results / "sweeps").rglob("multirun.yaml"))


def test_a_sweep_goes_on_past_a_bad_job(harness: Call, results: Path) -> None:
    code, _, err = harness(
        "run", "recipe=synthetic_5fold", "upstream=mfcc", "head=lda", "seeds=[0],[0,0]", "-m"
    )
    assert code == 2
    assert len(records(results)) == 1
    assert "each once" in err
    assert "Traceback" not in err


def test_extract_fills_the_store_and_trains_nothing(harness: Call, results: Path) -> None:
    code, out, err = harness("extract", "recipe=synthetic_5fold", "upstream=fbank")
    assert code == 0, err
    assert "extracted" in out
    assert not results.exists()
    code, out, _ = harness("extract", "recipe=synthetic_5fold", "upstream=fbank")
    assert "nothing was extracted" in out


def test_scores_come_from_predictions_alone(harness: Call, results: Path) -> None:
    _, printed, _ = harness(*RUN)
    code, out, err = harness("score", f"results={results}")
    assert code == 0, err
    assert numbers(out) == numbers(printed)


def test_selection_on_test_is_said_and_never_ranked(harness: Call, results: Path) -> None:
    harness(*RUN)
    code, out, _ = harness(*RUN[:3], "head=logistic", "split.select=test")
    assert code == 0
    assert "the test part selected the model" in out
    code, board, _ = harness("leaderboard", f"results={results}")
    assert code == 0
    starred = next(line for line in board.splitlines() if "logistic" in line)
    assert "not ranked" in starred
    assert starred.split("|")[1].strip() == ""
    assert all("SYNTHETIC" in line for line in board.splitlines() if "mfcc" in line)
    for name in ("leaderboard.md", "leaderboard.csv", "leaderboard.tex"):
        assert (results / name).read_text()


@pytest.mark.parametrize("head", ["e2v_linear", "gru"])
def test_heads_on_frames_join_the_same_story(harness: Call, results: Path, head: str) -> None:
    code, _, err = harness(
        "run", "recipe=synthetic_5fold", "upstream=fbank", f"head={head}", "view=last", "head.epochs=1"
    )
    assert code == 0, err
    assert records(results)[0]["head"]["name"] == head


def test_mlflow_has_a_parent_and_a_child_per_fold(harness: Call, results: Path) -> None:
    from mlflow import MlflowClient

    code, _, err = harness(*RUN, track=True)
    assert code == 0, err
    client = MlflowClient(f"sqlite:///{results.parent}/mlflow.db")
    experiment = client.get_experiment_by_name("synthetic_5fold")
    runs = client.search_runs([experiment.experiment_id])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parents[0].info.run_id]
    assert len(parents) == 1
    assert {child.data.params["fold"] for child in children} == set(records(results)[0]["scores"]["folds"])
    assert {"WA", "UA", "WF1"} <= set(parents[0].data.metrics)
    assert all({"WA", "UA", "WF1"} <= set(child.data.metrics) for child in children)
    mean = sum(child.data.metrics["WA"] for child in children) / len(children)
    assert parents[0].data.metrics["WA"] == pytest.approx(mean, abs=1e-9)
    kinds = {Path(item.path).suffix for item in client.list_artifacts(parents[0].info.run_id)}
    assert kinds == {".json", ".parquet", ".png"}


def test_a_tracking_server_that_is_not_there_costs_a_warning(
    harness: Call, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    code, _, err = harness(*RUN, track=True)
    assert code == 0
    assert "MLflow did not take this run" in err
    assert len(records(results)) == 1
