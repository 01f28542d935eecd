"""Sentiment and song from the owners' layouts to the record: true names of every official part, made-up sound.

Negative sounds low and positive sounds high, zero in between, so that every recipe has something to learn; a run
whose labels did not arrive could not be right about nine tenths of the unseen videos.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

Call = Callable[..., tuple[int, str, str]]
Row = Mapping[str, Any]
Rows = list[dict[str, Any]]
RATE_HZ = 16_000
PITCHES_HZ = {"negative": 150.0, "neutral": 300.0, "positive": 600.0}
PER_PART = {"train": 60, "val": 20, "dev": 20, "test": 30}
QUICK = ["upstream=fbank", "view.layers=1", "corpus.on_fault=skip", "resamples=50"]


def some_of_every_part(rows: Rows) -> Rows:
    """Rows from all over every official part."""
    chosen: Rows = []
    for part, count in PER_PART.items():
        listed = [row for row in rows if row["split"] == part]
        chosen += listed[:: max(1, len(listed) // count)][:count]
    return chosen


def tone(pitch_hz: float, seconds: float, number: int) -> np.ndarray:
    """A tone with three overtones in noise."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    noise = 0.05 * np.random.default_rng(number).normal(size=len(time))
    return 0.1 * sum(np.sin(2 * np.pi * pitch_hz * k * time) / k for k in (1, 2, 3)) + noise


def write(path: Path, wave: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate_hz, subtype="PCM_16")


def mosi_tree(rows: Rows, trees: ModuleType, root: Path) -> Rows:
    trees.annotator("mosi").annotate(rows, root)
    for number, row in enumerate(rows):
        write(root / row["path"], tone(PITCHES_HZ[row["label"]], 0.3, number))
    return rows


def mosei_tree(rows: Rows, trees: ModuleType, root: Path) -> Rows:
    """Videos that hold their segments one after the other; two more videos are labelled and in no list."""
    strays = [{**row, "video": f"stray{row['video'][5:]}", "split": "nowhere"} for row in rows[:2]]
    rows = [*rows, *strays]
    annotation: Any = trees.annotator("mosei")
    annotation.times = lambda segment: (0.4 * segment, 0.4 * segment + 0.3)
    annotation.annotate(rows, root)
    videos: dict[str, list[Row]] = {}
    for row in rows:
        videos.setdefault(row["video"], []).append(row)
    for video, segments in videos.items():
        wave = np.zeros(round(0.4 * RATE_HZ) * (max(row["segment"] for row in segments) + 1))
        for row in segments:
            first = round(0.4 * RATE_HZ) * row["segment"]
            sound = tone(PITCHES_HZ[row["label"]], 0.3, first)
            wave[first : first + len(sound)] = sound
        write(root / f"Raw/Audio/Full/WAV_16000/{video}.wav", wave)
    return rows


def meld_tree(rows: Rows, trees: ModuleType, root: Path) -> Rows:
    trees.annotator("meld").annotate(rows, root)
    for number, row in enumerate(rows):
        write((root / row["path"]).with_suffix(".wav"), tone(PITCHES_HZ[row["sentiment"]], 0.3, number))
    return rows


TREES = {"mosi": mosi_tree, "mosei": mosei_tree, "meld": meld_tree}


@pytest.fixture(scope="module")
def tree(
    listing: Callable[[str], Rows], listing_trees: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, Rows]]:
    made: dict[str, tuple[Path, Rows]] = {}

    def lay_out(name: str) -> tuple[Path, Rows]:
        if name not in made:
            root = tmp_path_factory.mktemp(name)
            made[name] = (root, TREES[name](some_of_every_part(listing(name)), listing_trees, root))
        return made[name]

    return lay_out


def the_record(results: Path) -> dict[str, Any]:
    (path,) = (results / "records").glob("*.json")
    return dict(json.loads(path.read_text()))


def counted(rows: Iterable[Row], label: str) -> dict[str, int]:
    """Rows per part that say something, under the names of our parts."""
    kept = [row["split"] for row in rows if row[label] != "neutral"]
    return {
        "train": kept.count("train"),
        "dev": kept.count("val") + kept.count("dev"),
        "test": kept.count("test"),
    }


CHANGES = {
    "mosi_sentiment": ["head.epochs=20", "head.batch=16"],
    "mosi_merbench": ["head.epochs=10", "seeds=[0,1]"],
    "mosei_sentiment": ["head.epochs=20", "head.batch=16"],
    "mosei_merbench": ["head.epochs=3", "head.draws=3", "seeds=[0]"],
    "meld_sentiment": ["head.epochs=20", "head.batch=16"],
}


@pytest.mark.parametrize("recipe", CHANGES)
def test_sentiment_is_learnt_on_the_official_parts(
    harness: Call, results: Path, tree: Callable[[str], tuple[Path, Rows]], recipe: str
) -> None:
    corpus = recipe.partition("_")[0]
    label, changes = "sentiment" if corpus == "meld" else "label", CHANGES[recipe]
    root, rows = tree(corpus)
    code, out, err = harness("run", f"recipe={recipe}", f"corpus.root={root}", *QUICK, *changes)
    assert code == 0, err
    record = the_record(results)
    assert record["task"]["classes"] == ["negative", "positive"]
    assert record["task"]["dropped"] == {"neutral": sum(row[label] == "neutral" for row in rows)}
    (fold,) = record["protocol"]["folds"]
    assert {part: fold["examples"][part] for part in ("train", "dev", "test")} == counted(rows, label)
    assert all("watch WF1" in row["selected"] for row in record["selected"])
    assert record["scores"]["metrics"]["wf1"]["pooled"] > 0.9
    assert record["shortcuts"]["majority"]["metrics"]["wf1"]["pooled"] < 0.7
    assert ("none of the owners' lists are left out" in " ".join(record["notes"])) == (corpus == "mosei")
    assert out.index("WF1") < out.index("WA")


def test_three_classes_of_meld(
    harness: Call, results: Path, tree: Callable[[str], tuple[Path, Rows]]
) -> None:
    root, _ = tree("meld")
    words = [
        "recipe=meld_sentiment",
        f"corpus.root={root}",
        "task.neutral=keep",
        "head.epochs=20",
        "head.batch=16",
    ]
    code, _, err = harness("run", *words, *QUICK)
    assert code == 0, err
    assert the_record(results)["task"]["classes"] == ["negative", "neutral", "positive"]
    code, _, err = harness("run", *words, *QUICK, "head=merbench", "head.batch=32")
    assert code == 2
    assert "task.neutral=drop" in err


def test_labels_without_scores_are_refused_by_the_head_that_needs_them(
    harness: Call, tree: Callable[[str], tuple[Path, Rows]]
) -> None:
    root, _ = tree("meld")
    code, _, err = harness("run", "recipe=mosi_merbench", "corpus=meld", f"corpus.root={root}", *QUICK,
                           "split.shares_speakers_as=MELD")  # fmt: skip
    assert code == 2
    assert "learns a score" in err
    assert "head=e2v_linear" in err


def test_another_score_is_another_run_for_the_head_that_learns_it(
    harness: Call, results: Path, listing: Callable[[str], Rows], listing_trees: ModuleType, tmp_path: Path
) -> None:
    rows = mosi_tree(some_of_every_part(listing("mosi")), listing_trees, tmp_path)
    words = ["recipe=mosi_merbench", f"corpus.root={tmp_path}", *QUICK, "head.epochs=1", "seeds=[0]"]
    assert harness("run", *words)[0] == 0
    stronger = [row | {"label_raw": 3.0 if row["label_raw"] > 0 else row["label_raw"]} for row in rows]
    listing_trees.annotator("mosi").annotate(stronger, tmp_path)
    assert harness("run", *words)[0] == 0
    assert len(list((results / "records").glob("*.json"))) == 2


@pytest.mark.parametrize("recipe", ["ravdess_song", "ravdess_song_5fold", "ravdess_song_5fold_star"])
def test_songs_are_learnt(
    harness: Call, results: Path, listing: Callable[[str], Rows], cache: Path, recipe: str
) -> None:
    """A quarter of the songs; each emotion has a pitch of its own."""
    root = cache / "songs"
    for number, row in enumerate(listing("ravdess_song")):
        if (number + int(row["speaker"])) % 4 == 0 and not (root / row["path"]).is_file():
            write(root / row["path"], tone(100.0 * 1.5 ** int(row["label_raw"]), 0.3, number), 48_000)
    words = [f"recipe={recipe}", f"corpus.root={root}", *QUICK[2:], "head.epochs=15", "head.batch=16"]
    code, _, err = harness("run", *words)
    assert code == 0, err
    record = the_record(results)
    assert record["task"]["classes"] == ["anger", "calm", "fear", "happiness", "neutral", "sadness"]
    assert record["scores"]["metrics"]["wa"]["pooled"] > 0.8
    assert record["ranked"] == (recipe != "ravdess_song_5fold_star")
    assert "misprints eight" in record["about"]
    shared = [fold["shared_speakers"]["train/test"] for fold in record["protocol"]["folds"]]
    assert any(shared) == (recipe != "ravdess_song")
    assert len(shared) == 5
