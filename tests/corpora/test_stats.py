"""`corpus stats`: groups in numbers, what tells the label without the voice, and a page that holds everything."""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

from harness.cli import main
from harness.corpus_stats import corpus_stats
from harness.portrait._cues import CueReport, Cues, cues_of
from harness.portrait._groups import group_table
from harness.portrait._traits import NO_LABEL
from harness.portrait._words import sentence, verdict

CLASSES = ["anger", "joy", "neutral", "sadness"]


def made_up(count: int = 400, speakers: int = 10) -> pd.DataFrame:
    """Traits in which nothing tells the label."""
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [f"u{k}" for k in range(count)],
            "label": draw.choice(CLASSES, count),
            "sentence": draw.choice(["a", "b", "c"], count),
            "speaker": [f"s{k % speakers}" for k in range(count)],
            "gender": [("female", "male")[k % speakers % 2] for k in range(count)],
            "session": "",
            "language": "en",
            "split": "",
            "level_dbfs": draw.normal(-20, 3, count),
            "peak_dbfs": draw.normal(-3, 1, count),
            "silence_share": draw.uniform(0, 0.3, count),
            "duration_s": draw.gamma(6, 0.5, count),
            "pcm_sha256": [str(k) for k in range(count)],
        }
    )


def by_cue(cues: Cues) -> dict[str, CueReport]:
    return {report.cue: report for report in cues.reports}


def test_where_nothing_tells_nothing_is_claimed() -> None:
    """Chance is 25 %; the guesser of 400 draws is within four standard errors (2.2 points each) of it."""
    cues = cues_of(made_up())
    assert set(by_cue(cues)) == {"level", "duration", "silence", "speaker", "sentence", "gender"}
    for report in cues.reports:
        assert report.chance == 0.25
        assert report.ua == pytest.approx(0.25, abs=0.09)
        assert abs(report.effect) < 0.05
        assert verdict(report) != "gives the label away"


def test_a_level_that_is_the_label_is_found() -> None:
    """10 dB between classes of 1 dB width: nearly all is told; also for speakers that were not heard."""
    traits = made_up()
    steps = traits["label"].map({name: 10.0 * k for k, name in enumerate(CLASSES)})
    traits["level_dbfs"] = -50 + steps + np.random.default_rng(1).normal(0, 1, len(traits))
    first = cues_of(traits).reports[0]
    assert first.cue == "level"
    assert first.ua > 0.9
    assert first.ua_new_speakers > 0.9
    assert first.effect > 0.95
    assert first.effect_within_speakers > 0.9
    said = sentence(first, traits)
    assert "Level gives the label away: sadness is the loudest class" in said
    assert "anger the quietest" in said
    assert re.search(r"(29\.\d|30\.\d) dB apart", said)


def test_a_level_that_is_the_speaker_says_nothing_of_new_speakers() -> None:
    """Every speaker has one class and a level of their own: told at random folds, not across speakers."""
    traits = made_up(speakers=12)
    who = traits["speaker"].str[1:].astype(int)
    traits["label"] = [CLASSES[k % 4] for k in who]
    own_dbfs = np.random.default_rng(2).permutation(12) - 60.0
    traits["level_dbfs"] = own_dbfs[who]
    reports = by_cue(cues_of(traits))
    assert reports["speaker"].ua == 1
    assert math.isnan(reports["speaker"].ua_new_speakers)
    assert reports["level"].ua > reports["level"].ua_new_speakers + 0.2
    assert reports["level"].effect_within_speakers == pytest.approx(0, abs=1e-9)
    assert "12 of 12 speakers with more than one utterance have one class only" in sentence(
        reports["speaker"], traits
    )


def test_a_frequent_class_is_no_shortcut() -> None:
    """Nine in ten are neutral: the majority has WA 90 %, and every cue still UA of chance."""
    traits = made_up()
    order = np.random.default_rng(3).permutation(400)
    traits["label"] = np.where(order < 40, "anger", "neutral")
    for report in cues_of(traits).reports:
        assert report.majority == pytest.approx(0.9)
        assert report.wa <= 0.91
        assert report.ua == pytest.approx(0.5, abs=0.15)


def test_a_rare_class_that_is_told_counts_as_much() -> None:
    """One in ten is anger, and louder by one width: the best guess has UA 69 %, an unweighed vote 52 %."""
    count = 4000
    traits = made_up(count)
    traits["label"] = np.where(np.random.default_rng(3).permutation(count) < count // 10, "anger", "neutral")
    traits["level_dbfs"] += np.where(traits["label"] == "anger", 3.0, 0.0)
    level = by_cue(cues_of(traits))["level"]
    assert level.ua == pytest.approx(0.69, abs=0.07)
    assert level.wa == pytest.approx(0.9, abs=0.03)


def test_what_cannot_be_asked_is_told() -> None:
    """Unknown speakers, one sentence, a class of three."""
    traits = made_up().assign(speaker="", gender="", sentence="same")
    traits.loc[:2, "label"] = "fear"
    cues = cues_of(traits)
    assert set(by_cue(cues)) == {"level", "duration", "silence"}
    assert all(math.isnan(report.ua_new_speakers) for report in cues.reports)
    assert any("class fear has 3 utterance(s)" in line for line in cues.not_asked)
    assert any(line.startswith("sentence:") for line in cues.not_asked)


@pytest.mark.parametrize("label", [NO_LABEL, "neutral"])
def test_a_corpus_without_two_labels(label: str) -> None:
    """There is nothing to tell."""
    cues = cues_of(made_up().assign(label=label))
    assert cues.reports == ()
    assert "fewer than two classes" in cues.not_asked[-1]


def test_groups_count_every_utterance_once() -> None:
    """In every grouping; means are those of pandas over the rows themselves."""
    traits = made_up()
    traits.loc[0, "speaker"] = ""
    table = group_table(traits)
    assert set(table["by"]) == {"all", "class", "speaker", "gender", "class and gender"}
    assert (table.groupby("by")["utterances"].sum() == 400).all()
    assert table.groupby("by")["share_pct"].sum().tolist() == pytest.approx([100] * 5)
    assert "(unknown)" in table.loc[table["by"] == "speaker", "group"].tolist()
    anger = table[(table["by"] == "class") & (table["group"] == "anger")].iloc[0]
    rows = traits[traits["label"] == "anger"]
    assert anger["duration_mean_s"] == pytest.approx(rows["duration_s"].mean())
    assert anger["silence_mean_pct"] == pytest.approx(100 * rows["silence_share"].mean())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command line writes about the program's own voices."""
    results = tmp_path_factory.mktemp("results")
    assert main(["corpus", "stats", "synthetic", f"results={results}"]) == 0
    return results / "corpora" / "synthetic"


def test_the_synthetic_corpus(folder: Path) -> None:
    """It says that it is synthetic, and the page needs nothing from outside."""
    page = (folder / "stats.html").read_text(encoding="utf-8")
    assert "SYNTHETIC audio" in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "<script" not in page
    groups = pd.read_csv(folder / "stats.csv")
    assert groups.loc[groups["by"] == "class", "utterances"].tolist() == [60] * 4
    assert groups.loc[groups["by"] == "speaker", "utterances"].tolist() == [24] * 10
    assert pd.read_csv(folder / "shortcuts.csv")["ua"].is_monotonic_decreasing


def test_the_pictures_are_pictures(folder: Path) -> None:
    """Six, and none is blank."""
    page = (folder / "stats.html").read_text(encoding="utf-8")
    found = re.findall(r"data:image/png;base64,([^\"]+)", page)
    assert len(found) == 6
    for data in found:
        pixels = image.imread(io.BytesIO(base64.b64decode(data)), format="png")
        assert min(pixels.shape[:2]) > 300
        assert pixels.std() > 0.02


def test_wrong_words_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "stats", "synthetic", "on_fault=ignore"]) == 2
    assert "on_fault" in capsys.readouterr().err
    assert main(["corpus", "stats", "emodb", "rot=/data"]) == 2


def test_urdu_gives_its_label_away_by_level(shared: Path, tmp_path: Path) -> None:
    """Neutral is 13.8 dB louder than sadness; level alone gets three of four right; the page says so in words."""
    told = corpus_stats("urdu", str(shared / "corpora" / "urdu"), tmp_path)
    page = (tmp_path / "corpora" / "urdu" / "stats.html").read_text(encoding="utf-8")
    for text in (told, page):
        assert "Level gives the label away: neutral is the loudest class" in text
        assert "13.8 dB apart" in text
        assert "Speaker gives the label away" in text
        assert "26 of 29 speakers" in text
        assert "10 pairs are one recording" in text
    cues = pd.read_csv(tmp_path / "corpora" / "urdu" / "shortcuts.csv").set_index("cue")
    assert cues.loc["level", "ua"] > 0.7
    assert cues.loc["level", "ua_new_speakers"] > 0.6
    assert cues.loc["duration", "verdict"] == "tells nothing that can be shown"


def test_emodb_has_balanced_speakers_and_no_copies(shared: Path, tmp_path: Path) -> None:
    """Actors say the same sentences in every emotion: neither speaker nor sentence tells; duration does."""
    told = corpus_stats("emodb", str(shared / "corpora" / "emodb"), tmp_path)
    assert "No two utterances are the same recording." in told
    cues = pd.read_csv(tmp_path / "corpora" / "emodb" / "shortcuts.csv").set_index("cue")
    assert (cues["verdict"] != "gives the label away").all()
    assert cues.loc[["speaker", "sentence"], "verdict"].tolist() == ["tells nothing that can be shown"] * 2
    assert cues.loc["duration", "effect"] == pytest.approx(0.28, abs=0.01)
