"""Pictures of records: what is drawn is what is recorded, and what is not there is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from harness.cli import main
from harness.contracts import Example
from harness.figures._durations import duration_bins
from harness.predictions import Predictions, concatenate, predictions_of, read_predictions, write_predictions

LOSO = "emodb_loso--whisper_tiny_en--lda--61c6fbd2"
Figure = Callable[..., tuple[int, str, str]]
Change = Callable[..., None]


CLASSES = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")


def predicted() -> Predictions:
    """Invented: 535 utterances of ten speakers, one in each fold, 1.23 s and longer; most answers are right."""
    draw, parts = np.random.default_rng(0), []
    for speaker in range(10):
        count = 54 if speaker < 5 else 53
        lengths = draw.uniform(1.23, 8.98, count).round(2)
        lengths[0] = 1.23
        tested = [
            Example(
                f"{speaker}-{n}",
                (f"{speaker}-{n}",),
                CLASSES[n % 7],
                str(speaker),
                duration_s=float(lengths[n]),
            )
            for n in range(count)
        ]
        truth = np.arange(count) % 7
        guess = np.where(draw.random(count) < 0.8, truth, draw.integers(0, 7, count))
        logits = np.eye(7, dtype=np.float32)[guess]
        parts.append(
            predictions_of(tested, logits, classes=CLASSES, run="r", fold=f"speaker_{speaker}", seed=0)
        )
    return concatenate(parts)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder without records."""
    for name in ("records", "predictions"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def figure(results: Path, capfd: pytest.CaptureFixture[str]) -> Figure:
    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["figure", *words, f"results={results}"])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def stored(project_root: Path, results: Path) -> Change:
    """Put a recorded run under another name, with changes and invented predictions, into the results folder."""

    def store(stem: str, key: str = "", **changes: Any) -> None:
        raw = json.loads((project_root / f"results/records/{stem}.json").read_text())
        raw |= changes | ({"key": key} if key else {})
        name = f"{raw['recipe']}--{raw['upstream']['name']}--{raw['head']['name']}--{raw['key'][:8]}"
        (results / f"records/{name}.json").write_text(json.dumps(raw))
        write_predictions(predicted(), results / f"predictions/{name}.parquet")

    return store


def scored(metric: str, value: float, low: float | None = None) -> dict[str, Any]:
    """The scores of a record, as far as pictures read them."""
    limits = {"low": low, "high": None if low is None else 2 * value - low, "level": 0.95, "note": ""}
    one = {"fold_mean": value, "pooled": value / 2, "fold_mean_interval": limits, "pooled_interval": limits}
    return {"metrics": {metric: one}, "classes": ["a", "b"], "confusion": [[1, 0], [0, 1]]}


def written(results: Path, start: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """The facts and the table of the one picture whose name begins like that."""
    (path,) = (results / "figures").glob(f"{start}*.json")
    for suffix, magic in ((".png", b"\x89PNG"), (".pdf", b"%PDF")):
        assert path.with_suffix(suffix).read_bytes()[:4] == magic
    return json.loads(path.read_text()), pd.read_csv(path.with_suffix(".csv"))


@pytest.mark.parametrize("bins", [1, 3, 6])
def test_bins_hold_what_they_say(bins: int) -> None:
    """Scores anew with scikit-learn; bins as many, in order, none lost, equal durations never parted."""
    predictions = predicted()
    table, got = predictions.table, list(duration_bins(predictions, "ua", bins))
    assert len(got) == bins
    assert sum(one.utterances for one in got) == len(table)
    assert max(one.utterances for one in got) - min(one.utterances for one in got) <= 4, "ties move a few"
    for before, after in pairwise(got):
        assert before.last_s < after.first_s
    for one in got:
        part = table[(table["duration_s"] >= one.first_s) & (table["duration_s"] <= one.last_s)]
        assert one.utterances == len(part)
        assert one.speakers == part["speaker"].nunique()
        assert one.median_s == pytest.approx(np.median(part["duration_s"]))
        assert one.score == pytest.approx(100 * balanced_accuracy_score(part["truth"], part["predicted"]))
        assert one.low is not None
        assert one.low <= one.score <= (one.high or 0)


def test_equal_durations_are_one_bin() -> None:
    predictions = predicted()
    predictions.table["duration_s"] = 2.0
    (one,) = duration_bins(predictions, "wa", 6)
    assert one.utterances == len(predictions.table)


def test_durations_of_a_record(figure: Figure, stored: Change, results: Path) -> None:
    stored(LOSO)
    code, out, err = figure("durations", f"record={LOSO}", "bins=4")
    assert code == 0, err
    facts, table = written(results, "durations--")
    predictions = read_predictions(results / f"predictions/{LOSO}.parquet").table
    assert facts["all"] == pytest.approx(100 * accuracy_score(predictions["truth"], predictions["predicted"]))
    assert len(table) == 4
    assert "| 1.23 |" in out


def test_durations_that_nobody_knows(figure: Figure, stored: Change, results: Path) -> None:
    stored(LOSO)
    path = results / f"predictions/{LOSO}.parquet"
    predictions = read_predictions(path)
    predictions.table.loc[3, "duration_s"] = 0.0
    write_predictions(predictions, path)
    code, _, err = figure("durations", f"record={LOSO}")
    assert code == 2
    assert "1 utterances without a duration" in err


@pytest.mark.parametrize("words", [["bins=0"], ["bins=x"], ["metric=uar"], ["colour=red"]])
def test_bad_settings_are_told(figure: Figure, stored: Change, words: list[str]) -> None:
    stored(LOSO)
    code, _, err = figure("durations", f"record={LOSO}", *words)
    assert code == 2
    assert "Traceback" not in err


def test_confusion_of_a_record_by_any_of_its_names(figure: Figure, stored: Change, results: Path) -> None:
    stored(LOSO)
    for name in (LOSO, f"{LOSO}.json", f"results/plots/{LOSO}.png"):
        code, _, err = figure("confusion", f"record={name}")
        assert code == 0, err
    _, table = written(results, "confusion--")
    recorded = json.loads((results / f"records/{LOSO}.json").read_text())["scores"]
    assert table.iloc[:, 1:].to_numpy().tolist() == recorded["confusion"]


def test_a_record_that_is_not_there(figure: Figure, stored: Change) -> None:
    assert figure("confusion")[0] == 2
    stored(LOSO)
    code, _, err = figure("confusion", "record=emodb_loso--whisper")
    assert code == 2
    assert f"did you mean {LOSO}" in err


def test_languages_show_what_is_recorded(figure: Figure, stored: Change, results: Path) -> None:
    for number, stem in enumerate(
        ("emodb_loso--egemaps--lda--b3f22c63", LOSO, "urdu_loso--egemaps--lda--21a6a506")
    ):
        stored(stem, scores=scored("ua", 0.5 + number / 10))
    code, _, err = figure("languages")
    assert code == 0, err
    facts, table = written(results, "languages--ua--leave_speaker_out")
    assert table["language"].tolist() == ["German", "Urdu"]
    assert table["egemaps"].tolist() == pytest.approx([50.0, 70.0])
    assert table["whisper_tiny_en"][0] == pytest.approx(60.0)
    assert np.isnan(table["whisper_tiny_en"][1])
    assert len(facts["records"]) == 3
    figure("languages", "score=pooled")
    assert written(results, "languages--ua--")[1]["egemaps"].tolist() == pytest.approx([25.0, 35.0])


def test_one_picture_holds_one_protocol_and_names_the_others(
    figure: Figure, stored: Change, results: Path
) -> None:
    stored("emodb_loso--egemaps--lda--b3f22c63", scores=scored("ua", 0.5))
    stored(LOSO, scores=scored("ua", 0.6))
    stored("emodb_10fold--egemaps--lda--383795ff", scores=scored("ua", 0.9))
    _, out, _ = figure("languages")
    assert "not drawn, because it differs: 1 more with protocol=random_kfold" in out
    code, _, err = figure("languages", "protocol=random_kfold")
    assert code == 0, err
    assert written(results, "languages--ua--random_kfold")[1]["egemaps"].tolist() == pytest.approx([90.0])
    code, _, err = figure("languages", "protocol=official")
    assert code == 2
    assert "leave_speaker_out, random_kfold" in err


def test_of_two_records_for_one_place_the_nearer_to_its_recipe_is_drawn(
    figure: Figure, stored: Change, results: Path
) -> None:
    stored("urdu_loso--egemaps--lda--21a6a506", scores=scored("ua", 0.5), overrides=[])
    stored(
        "loso--egemaps--lda--f0b1de2e",
        scores=scored("ua", 0.9),
        overrides=["corpus=urdu", "split.dev_speakers=4"],
    )
    _, out, _ = figure("languages")
    assert "loso--egemaps--lda--f0b1de2e fills the same place" in out
    assert written(results, "languages--")[1]["egemaps"].tolist() == pytest.approx([50.0])


def test_what_selected_on_test_is_drawn_only_when_asked_for(figure: Figure, stored: Change) -> None:
    stored(LOSO, ranked=False)
    code, _, err = figure("languages")
    assert code == 2
    assert "select=test" in err


def test_made_up_audio_is_said_in_the_title(
    figure: Figure, stored: Change, results: Path, project_root: Path
) -> None:
    raw = json.loads((project_root / f"results/records/{LOSO}.json").read_text())["corpus"]
    stored(LOSO, corpus=raw | {"synthetic": True})
    figure("languages")
    assert written(results, "languages--")[0]["heading"][0] == "SYNTHETIC AUDIO"
    figure("durations", f"record={LOSO}")
    assert written(results, "durations--")[0]["heading"][0] == "SYNTHETIC AUDIO"


def layer_run(stored: Change, project_root: Path, layer: int, value: float, **changes: Any) -> None:
    view = {"kind": "layer", "layer": layer, "layers": None}
    overrides = [
        "upstream=whisper_tiny_en",
        "upstream.path=/w",
        "view=layer",
        f"view.layer={layer}",
        "split.select=last",
    ]
    told = {"view": view, "overrides": overrides, "scores": scored("wa", value, value - 0.1)} | changes
    stored(LOSO, key=f"{layer}{value}".replace(".", "").ljust(64, "0"), **told)


def test_layers_show_what_is_recorded_and_what_would_fill_the_rest(
    figure: Figure, stored: Change, results: Path, project_root: Path
) -> None:
    for layer, value in ((0, 0.5), (2, 0.8), (3, 0.7)):
        layer_run(stored, project_root, layer, value)
    layer_run(stored, project_root, 5, 0.6, view={"kind": "last", "layer": None, "layers": None})
    stored("emodb_loso--egemaps--lda--b3f22c63")
    code, out, err = figure("layers", "recipe=emodb_loso", "metric=wa")
    assert code == 0, err
    _, table = written(results, "layers--emodb_loso--emodb--whisper_tiny_en")
    assert table["layer"].tolist() == [0, 2, 3, 5], (
        "`last` is layer 5 of 6; an upstream of one layer has no curve"
    )
    assert table["score"].tolist() == pytest.approx([50, 80, 70, 60])
    assert table["low"].tolist() == pytest.approx([40, 70, 60, 50])
    assert (
        "whisper_tiny_en has no record of layer 1, 4: python -m harness run recipe=emodb_loso "
        "upstream=whisper_tiny_en split.select=last view=layer view.layer=1,4 corpus.root=DIR -m"
    ) in out


def test_the_printed_command_is_one_that_run_understands(
    figure: Figure, stored: Change, project_root: Path
) -> None:
    import shlex

    from harness import config

    layer_run(stored, project_root, 0, 0.5)
    line = next(
        line for line in figure("layers", "recipe=emodb_loso", "metric=wa")[1].splitlines() if " run " in line
    )
    words = shlex.split(line.partition(" run ")[2])
    assert words[-1] == "-m"
    one = [word.replace("view.layer=1,2,3,4,5", "view.layer=1") for word in words[1:-1]]
    assert config.compose(words[0].removeprefix("recipe="), one).view["layer"] == 1


def test_no_layer_is_told_with_the_command_that_makes_them(figure: Figure, stored: Change) -> None:
    stored(LOSO)
    code, _, err = figure("layers", "recipe=emodb_loso", "upstream=whisper_tiny_en")
    assert code == 2
    assert (
        "python -m harness run recipe=emodb_loso upstream=whisper_tiny_en view=layer view.layer=0,1,2 -m"
        in err
    )


def test_published_layers_stand_beside_the_same_checkpoint_only(
    figure: Figure, stored: Change, results: Path, project_root: Path
) -> None:
    """Decoding Emotions, comparison_summary: HuBERT base on EmoDB, linear probe, block 7: 93.57."""
    raw = json.loads((project_root / f"results/records/{LOSO}.json").read_text())["upstream"]
    for name, layers in (("hubert_base", 13), ("whisper_tiny_en", 6)):
        changed = {"recipe": "decoding_emodb", "upstream": raw | {"name": name, "layers": layers}}
        layer_run(stored, project_root, 1, 0.5 + layers / 100, **changed)
    code, _, err = figure("layers", "recipe=decoding_emodb", "metric=wa")
    assert code == 0, err
    _, table = written(results, "layers--decoding_emodb")
    others = table[table["whose"] == "published"]
    assert {(row.layer, row.score) for row in others.itertuples()} >= {(7, 93.57)}
    assert all("HuBERT base" in name and "not ours" in name for name in others["name"])
    assert set(table[table["whose"] == "ours"]["name"]) == {"hubert_base", "whisper_tiny_en"}
    figure("layers", "recipe=decoding_emodb", "metric=wa", "upstream=whisper_tiny_en")
    _, alone = written(results, "layers--decoding_emodb--emodb--whisper_tiny_en")
    assert set(alone["whose"]) == {"ours"}


def test_without_records_there_is_nothing_to_draw(figure: Figure) -> None:
    for words in (["languages"], ["layers", "recipe=emodb_loso"]):
        code, _, err = figure(*words)
        assert code == 2
        assert "there is nothing to draw" in err
