"""`audit` from the command line, on the embedded corpus and on names alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def harness(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Call:
    """The command line in this process, with results of its own: exit code, standard output, standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([*words, f"results={tmp_path / 'results'}"])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def written(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((tmp_path / "results" / "audits").glob("*.json"))]


def test_an_audit_tells_grades_and_writes(harness: Call, tmp_path: Path) -> None:
    code, out, err = harness("audit", "recipe=synthetic_5fold")
    assert code == 0, err
    assert "SYNTHETIC" in out
    assert "grade " in out
    (report,) = written(tmp_path)
    diagnosis = report["diagnosis"]
    assert diagnosis["fingerprint"].startswith("folds-v1:")
    assert len(diagnosis["folds"]) == 5
    kinds = {one["kind"] for one in diagnosis["folds"][0]["overlaps"]}
    assert {"exact_audio", "near_audio", "speaker"} <= kinds
    assert {one["quantity"] for one in diagnosis["folds"][0]["shifts"]} == {
        "class",
        "gender",
        "duration",
        "level",
    }
    (page,) = (tmp_path / "results" / "audits").glob("*.md")
    assert page.stem == f"synthetic_5fold--{diagnosis['fingerprint'].partition(':')[2][:12]}"
    assert "| fold |" in page.read_text()


def test_without_audio_nothing_is_said_of_it(harness: Call, tmp_path: Path) -> None:
    code, out, err = harness("audit", "recipe=synthetic_5fold", "audio=false")
    assert code == 0, err
    assert "(audio not examined)" in out
    assert "exact audio not examined, the audio was not read" in out
    assert "near audio not examined, the audio was not read" in out
    table = out.partition("On both sides")[2].splitlines()[1]
    assert "audio" not in table
    (report,) = written(tmp_path)
    assert {"exact_audio", "near_audio"} <= set(report["diagnosis"]["not_examined"])


def test_what_run_refuses_is_examined(harness: Call) -> None:
    words = ("recipe=synthetic_5fold", "split=random_10fold", "split.shares_speakers_as=''")
    code, _, err = harness("run", *words, "track=false")
    assert code == 2
    assert "on both sides" in err
    code, out, err = harness("audit", *words)
    assert code == 0, err
    assert "the same speaker is in training for" in out


def test_stored_runs_are_scored_again_without_the_leak(harness: Call, tmp_path: Path) -> None:
    words = ("recipe=synthetic_5fold", "split=random_10fold", "upstream=mfcc", "head=lda")
    code, _, err = harness("run", *words, "track=false")
    assert code == 0, err
    code, out, err = harness("audit", *words)
    assert code == 0, err
    assert "Score minus leak: synthetic_5fold--mfcc--lda--" in out
    assert "nothing is left: every test example is touched" in out
    (report,) = written(tmp_path)
    (run,) = report["score_minus_leak"]
    assert run["scores"]["metrics"]["wa"]["pooled_interval"]["low"] is not None
    speakers = next(one for one in run["without"] if one["without"] == "speakers")
    assert (speakers["examples"], speakers["scores"]) == (0, None)
    code, out, err = harness("audit", "recipe=synthetic_5fold", "upstream=mfcc", "head=lda")
    assert code == 0
    assert "Score minus leak" not in out
    assert "is of other folds" in err


def test_predictions_from_elsewhere_have_to_be_of_these_folds(harness: Call, tmp_path: Path) -> None:
    words = ("recipe=synthetic_5fold", "upstream=mfcc", "head=lda")
    assert harness("run", *words, "track=false")[0] == 0
    (stored,) = (tmp_path / "results" / "predictions").glob("*.parquet")
    moved = stored.rename(tmp_path / "mine.parquet")
    code, out, err = harness("audit", *words, f"predictions={moved}")
    assert code == 0, err
    assert "Score minus leak: mine" in out
    code, _, err = harness("audit", *words, "split=random_10fold", f"predictions={moved}")
    assert code == 2
    assert "other folds" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "audit needs one recipe"),
        (("recipe=synthetic_5fold", "audio=perhaps"), "audio=true or audio=false"),
        (("recipe=emodb_loso", "audio=false"), "has no root"),
    ],
)
def test_bad_input_gets_one_message(harness: Call, words: tuple[str, ...], said: str) -> None:
    code, _, err = harness("audit", *words)
    assert code == 2
    assert said in err


def test_the_same_audit_gives_the_same_text(harness: Call) -> None:
    first = harness("audit", "recipe=synthetic_5fold")[1]
    assert harness("audit", "recipe=synthetic_5fold")[1] == first
