"""Shortcuts: known answers on invented cues, beside the scores of a run, and what they find in real corpora."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import config, record
from harness.baselines import shortcut_scores
from harness.contracts import Example, Fold
from harness.shortcuts import Cue, Guessed, Targets, best_shortcut, cues_of, guess, warnings
from harness.study import plan

Call = Callable[..., tuple[int, str, str]]
RUN = ("run", "recipe=synthetic_5fold", "upstream=mfcc", "head=lda")
CLASSES = ("anger", "neutral", "sadness")
COUNT = 90


def world(targets: Sequence[str], cues: Sequence[Cue]) -> tuple[list[Example], dict[str, Cue], list[Fold]]:
    """Examples with these targets and cues, in three folds that each test every third."""
    examples = [
        Example(id=f"u{number:03d}", utterances=(f"u{number:03d}",), target=target, speaker=cue.speaker)
        for number, (target, cue) in enumerate(zip(targets, cues, strict=True))
    ]
    ids = [example.id for example in examples]
    folds = [
        Fold(f"f{k}", tuple(i for n, i in enumerate(ids) if n % 3 != k), (), tuple(ids[k::3]))
        for k in range(3)
    ]
    return examples, dict(zip(ids, cues, strict=True)), folds


def targets(count: int = COUNT) -> list[str]:
    """Half neutral, the rest anger and sadness in turn, without any relation to the folds."""
    drawn = np.random.default_rng(0).choice(CLASSES, size=count, p=[0.25, 0.5, 0.25])
    return [str(name) for name in drawn]


def accuracy(guessed: Guessed) -> float:
    assert guessed.predictions is not None
    table = guessed.predictions.table
    return float((table["truth"] == table["predicted"]).mean())


def guesses(truths: Sequence[str], cues: Sequence[Cue]) -> dict[str, Guessed]:
    examples, by_id, folds = world(truths, cues)
    return {one.name: one for one in guess(folds, examples, Targets(tuple(CLASSES)), by_id, "run")}


def plain(count: int = COUNT) -> list[Cue]:
    return [Cue(1.0, -20.0, "", "")] * count


def test_majority_says_the_most_frequent_class_of_training() -> None:
    truths = targets()
    found = guesses(truths, plain())
    assert accuracy(found["majority"]) == truths.count("neutral") / COUNT
    assert set(found["majority"].predictions.table["predicted"]) == {"neutral"}


def test_without_names_only_two_shortcuts_are_defined() -> None:
    found = guesses(targets(), plain())
    assert [name for name, one in found.items() if one.predictions is None] == ["speaker", "sentence"]
    assert "no speaker" in found["speaker"].undefined
    assert "share a sentence" in found["sentence"].undefined


def test_level_is_found_also_where_the_middle_is_a_class_of_its_own() -> None:
    """A straight border cannot put one class on both sides of another; squares can."""
    rng = np.random.default_rng(1)
    near = {"anger": 0.0, "neutral": -20.0, "sadness": -40.0}
    for order in (near, {"anger": -20.0, "neutral": 0.0, "sadness": -40.0}):
        truths = targets()
        cues = [Cue(1.0, order[t] + rng.normal(), "", "") for t in truths]
        assert accuracy(guesses(truths, cues)["duration_level"]) == 1.0
    truths = [("anger", "neutral")[n // 3 % 2] for n in range(COUNT)]
    sides = [(-40.0, 0.0)[n // 6 % 2] if t == "anger" else -20.0 for n, t in enumerate(truths)]
    cues = [Cue(1.0, level + rng.normal(), "", "") for level in sides]
    assert accuracy(guesses(truths, cues)["duration_level"]) == 1.0


def test_duration_counts_by_its_ratio() -> None:
    truths = targets()
    lengths = {"anger": 0.5, "neutral": 2.0, "sadness": 8.0}
    found = guesses(truths, [Cue(lengths[t], -20.0, "", "") for t in truths])
    assert accuracy(found["duration_level"]) == 1.0


def test_frequent_class_does_not_drown_the_rare_ones() -> None:
    """Classes weigh the same: with 80 % neutral, recall of the others does not fall to nothing."""
    rng = np.random.default_rng(2)
    truths = [str(t) for t in rng.choice(CLASSES, size=600, p=[0.1, 0.8, 0.1])]
    means = {"anger": -17.0, "neutral": -20.0, "sadness": -23.0}
    found = guesses(truths, [Cue(1.0, means[t] + 3 * rng.normal(), "", "") for t in truths])
    table = found["duration_level"].predictions.table
    recalls = (table["truth"] == table["predicted"]).groupby(table["truth"]).mean()
    assert recalls.mean() > 0.5


@pytest.mark.parametrize("level", [math.nan, -math.inf, -120.0])
def test_levels_that_are_missing_or_silent_do_no_harm(level: float) -> None:
    truths = targets()
    cues = [
        Cue(1.0, level if n % 10 == 0 else -10.0 * CLASSES.index(t), "", "") for n, t in enumerate(truths)
    ]
    found = guesses(truths, cues)
    table = found["duration_level"].predictions.table
    heard = table[[int(name[1:]) % 10 != 0 for name in table["id"]]]
    assert (heard["truth"] == heard["predicted"]).all()
    assert accuracy(guesses(truths, [Cue(1.0, level, "", "")] * COUNT)["duration_level"]) <= 0.6


def test_a_speaker_who_only_has_one_feeling_is_known_by_name() -> None:
    truths = targets()
    found = guesses(truths, [Cue(1.0, -20.0, f"speaker of {t}", "") for t in truths])
    assert accuracy(found["speaker"]) == 1.0
    assert found["speaker"].known == 1.0


def test_unknown_and_unseen_speakers_get_the_prior() -> None:
    truths = targets()
    for cues in (
        [Cue(1.0, -20.0, f"speaker {n}", "") for n in range(COUNT)],
        [Cue(1.0, -20.0, "speaker" if n == 0 else "", "") for n in range(COUNT)],
    ):
        found = guesses(truths, cues)
        assert found["speaker"].known == 0.0
        said = found["speaker"].predictions.table["predicted"].tolist()
        assert said == found["majority"].predictions.table["predicted"].tolist()


def test_nobody_is_no_speaker() -> None:
    """Utterances of unknown speakers are not taken for one person's."""
    truths = ["anger" if n % 10 < 4 else "neutral" for n in range(COUNT)]
    found = guesses(
        truths, [Cue(1.0, -20.0, "" if t == "anger" else f"s{n % 5}", "") for n, t in enumerate(truths)]
    )
    table = found["speaker"].predictions.table
    assert set(table["predicted"]) == {"neutral"}


def test_sentences_are_compared_by_their_words() -> None:
    truths = targets()
    table = pd.DataFrame(
        {
            "id": [f"u{n:03d}" for n in range(COUNT)],
            "duration_s": 1.0,
            "sentence": "",
            "text": [
                f"{'  Well,' if n % 2 else 'WELL'} {t}{'!' if n % 5 else ''}" for n, t in enumerate(truths)
            ],
        }
    )
    examples, _, folds = world(truths, plain())
    cues = cues_of(examples, table, pd.Series(dtype=float))
    found = {one.name: one for one in guess(folds, examples, Targets(tuple(CLASSES)), cues, "run")}
    assert accuracy(found["sentence"]) == 1.0
    assert all(math.isnan(cue.level_dbfs) for cue in cues.values())
    table["text"] = [f"sentence number {n}" for n in range(COUNT)]
    cues = cues_of(examples, table, pd.Series(dtype=float))
    assert guess(folds, examples, Targets(tuple(CLASSES)), cues, "run")[3].predictions is None


def test_the_owners_code_of_a_sentence_goes_before_its_text() -> None:
    example = Example(id="e", utterances=("a", "b"), target="anger", speaker="s")
    table = pd.DataFrame(
        {"id": ["a", "b"], "duration_s": [1.0, 2.0], "sentence": ["", "a05"], "text": ["x", "whatever"]}
    )
    (cue,) = cues_of([example], table, pd.Series({"a": -10.0, "b": -30.0})).values()
    assert cue == Cue(2.0, -30.0, "s", "code a05"), "an example that reads several has the cues of its last"


@settings(max_examples=15)
@given(st.randoms(use_true_random=False))
def test_what_is_true_of_the_test_part_changes_nothing(random: Any) -> None:
    """Fitted on training alone: other truths in the test part give the same predictions."""
    rng = np.random.default_rng(random.randrange(1000))
    truths = [str(name) for name in rng.choice(CLASSES, size=60)]
    truths[:12] = list(CLASSES) * 4
    cues = [
        Cue(float(rng.uniform(0.5, 5)), float(rng.normal(-20, 5)), f"s{n % 5}", f"t{n % 7}")
        for n in range(60)
    ]
    examples, by_id, (fold, *_) = world(truths, cues)
    shuffled = [
        dataclasses.replace(example, target=random.choice(CLASSES)) if example.id in fold.test else example
        for example in examples
    ]
    for one, other in zip(
        guess([fold], examples, Targets(tuple(CLASSES)), by_id, "run"),
        guess([fold], shuffled, Targets(tuple(CLASSES)), by_id, "run"),
        strict=True,
    ):
        assert one.predictions.table["predicted"].tolist() == other.predictions.table["predicted"].tolist()
        assert np.array_equal(
            np.stack(one.predictions.table["logits"]), np.stack(other.predictions.table["logits"])
        )


def scored(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    limits = {"low": low, "high": high}
    return {"fold_mean": value, "fold_mean_interval": limits, "pooled": value, "pooled_interval": limits}


def entry(title: str, value: float, low: float | None = None) -> dict[str, Any]:
    return {"title": title, "undefined": "", "known": None, "metrics": {"ua": scored(value, low, 1.0)}}


def test_gain_and_warnings() -> None:
    ours = {"classes": list("abcd"), "metrics": {"ua": scored(0.60, 0.52, 0.68)}}
    weak = {"majority": entry("majority", 0.25), "speaker": entry("speaker identity", 0.34, 0.30)}
    best = best_shortcut(ours, weak)
    assert (best.title, best.value) == ("speaker identity", 0.34)
    assert best.gain == pytest.approx(0.26)
    assert warnings(ours, weak) == []
    close = weak | {"sentence": entry("sentence identity", 0.53, 0.20)}
    (said,) = warnings(ours, close)
    assert said.startswith("sentence identity alone gives UA 53.0 (this run 52.0 to 68.0), pooled UA 53.0 (")
    far = weak | {"sentence": entry("sentence identity", 0.45, 0.30)}
    (said,) = warnings(ours, far)
    assert "UA 45.0, the majority or chance 25.0" in said
    absent = {"speaker": {"title": "speaker identity", "undefined": "none", "known": None, "metrics": {}}}
    assert best_shortcut(ours, absent) is None
    assert warnings(ours, absent) == []


def the_record(results: Path) -> record.Record:
    (found,) = record.load_all(results)
    return found


def test_shortcuts_stand_beside_every_score(harness: Call, results: Path) -> None:
    code, out, err = harness(*RUN)
    assert code == 0, err
    found = the_record(results)
    assert list(found.shortcuts) == ["majority", "duration_level", "speaker", "sentence"]
    assert found.schema == record.SCHEMA
    assert found.timings["shortcuts"]["wall_s"] < 10
    majority, cues, speaker, _ = (one["metrics"]["ua"] for one in found.shortcuts.values())
    assert majority["fold_mean"] == pytest.approx(0.25), "60 utterances of each of four classes"
    assert cues["fold_mean"] > 0.4
    assert cues["fold_mean_interval"]["low"] < cues["fold_mean"] < cues["fold_mean_interval"]["high"]
    assert speaker["fold_mean"] == majority["fold_mean"], "no tested speaker is in training"
    assert found.shortcuts["speaker"]["known"] == 0
    for line in ("majority", "duration and level", "speaker identity", "sentence identity"):
        assert any(row.startswith(line) for row in out.splitlines())
    assert "gain over the best of them (duration and level): UA +" in out
    assert "warning: duration and level alone" in out
    _, board, _ = harness("leaderboard", f"results={results}")
    assert "best shortcut (UA)" in board
    assert f"{100 * cues['fold_mean']:.2f} duration and level" in board
    assert "What needs no model" in board


def test_a_second_computation_gives_the_same(harness: Call, results: Path) -> None:
    harness(*RUN)
    study = plan(config.compose("synthetic_5fold", ["upstream=mfcc", "head=lda", f"results={results}"]))
    again = json.loads(json.dumps(shortcut_scores(study)))
    assert again == the_record(results).shortcuts


def test_an_older_record_is_read_and_gets_its_shortcuts(harness: Call, results: Path) -> None:
    _, first, _ = harness(*RUN)
    whole = the_record(results)
    path = record.record_path(results, whole)
    values = json.loads(path.read_text())
    del values["shortcuts"]
    path.write_text(json.dumps(values | {"schema": 1}))
    assert the_record(results).shortcuts == {}
    code, board, err = harness("leaderboard", f"results={results}")
    assert code == 0, err
    assert "best shortcut" not in board
    code, again, err = harness(*RUN)
    assert code == 0, err
    assert "nothing is trained" in err
    assert again == first
    assert the_record(results) == whole


def test_mlflow_knows_the_shortcuts(harness: Call, results: Path) -> None:
    from mlflow import MlflowClient

    code, _, err = harness(*RUN, track=True)
    assert code == 0, err
    assert "MLflow did not take" not in err
    client = MlflowClient(f"sqlite:///{results.parent}/mlflow.db")
    experiment = client.get_experiment_by_name("synthetic_5fold")
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    kept = the_record(results).shortcuts
    for name, one in kept.items():
        for metric in ("wa", "ua", "wf1"):
            logged = parent.data.metrics[f"shortcut/{name}/{metric}"]
            assert logged == pytest.approx(100 * one["metrics"][metric]["fold_mean"])
    assert parent.data.tags["emoharness.best_shortcut"] == "duration and level"
    assert parent.data.metrics["shortcut/gain/ua"] > 0


def measured(recipe: str, root: Path) -> dict[str, Any]:
    return shortcut_scores(plan(config.compose(recipe, [f"corpus.root={root}"])))


def test_urdu_gives_its_labels_away_by_level(shared: Path) -> None:
    """Measured: duration and level alone give 67.8 pooled UA (57.6 fold mean), chance is 25.

    A majority of training falls below chance here: whose speaker is left out, his class is the rarer one. The
    tolerance of three points leaves room for other versions of L-BFGS and of the decoder, and no more.
    """
    root = shared / "corpora" / "urdu"
    if not root.is_dir():
        pytest.skip("needs URDU's sound files")
    found = measured("urdu_loso", root)
    ua = found["duration_level"]["metrics"]["ua"]
    assert 100 * ua["pooled"] == pytest.approx(67.8, abs=3)
    assert 100 * ua["fold_mean"] == pytest.approx(57.6, abs=3)
    assert ua["pooled_interval"]["low"] > 0.25 > found["majority"]["metrics"]["ua"]["pooled"]
    assert found["speaker"]["known"] == 0
    assert "share a sentence" in found["sentence"]["undefined"]


def test_urdu_speakers_give_their_labels_away_where_folds_share_them(shared: Path) -> None:
    """Measured: 95.7 UA from the speaker's name alone under random folds, more than any upstream of the board."""
    root = shared / "corpora" / "urdu"
    if not root.is_dir():
        pytest.skip("needs URDU's sound files")
    found = measured("urdu_10fold", root)
    assert 100 * found["speaker"]["metrics"]["ua"]["fold_mean"] == pytest.approx(95.7, abs=0.1)
    assert found["speaker"]["known"] > 0.99
