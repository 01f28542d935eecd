"""A pre-training over its updates: its own history and the recorded runs of its milestones, nobody else's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.cli import main
from harness.errors import HarnessError
from harness.plots import Probe, milestone_figure

Figure = Callable[..., tuple[int, str, str]]
BASE = "emodb_loso--fbank--lda--0fbb1f3e"


@pytest.fixture
def figure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Figure:
    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["figure", "pretraining", *words, f"results={tmp_path}"])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def evaluated(project_root: Path, tmp_path: Path) -> Callable[..., None]:
    """Put a recorded run of an upstream with this pooled and fold-mean UA into the results folder."""
    base = json.loads((project_root / f"results/records/{BASE}.json").read_text())
    (tmp_path / "records").mkdir()

    def put(upstream: str, ua: float, **changes: Any) -> None:
        raw = json.loads(json.dumps(base)) | changes
        raw["upstream"]["name"], raw["key"] = upstream, f"{len(list((tmp_path / 'records').iterdir())):08d}"
        raw["scores"]["metrics"]["ua"] |= {"fold_mean": ua, "pooled": ua / 2}
        stem = f"{raw['recipe']}--{upstream}--lda--{raw['key']}"
        (tmp_path / f"records/{stem}.json").write_text(json.dumps(raw))

    return put


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A finished pre-training of 300 updates with two milestones."""
    folder = tmp_path / "pretrained" / "small"
    for updates in (0, 100):
        (folder / "milestones" / f"{updates:07d}").mkdir(parents=True)
    rows = [
        {
            "update": u,
            "frame_loss": 9 - u / 50,
            "utterance_loss": 1.0,
            "target_std": 0.5,
            "prediction_std": 0.4,
        }
        for u in range(10, 301, 10)
    ]
    pd.DataFrame(rows).to_csv(folder / "history.csv", index=False)
    return "small"


def table(results: Path) -> pd.DataFrame:
    (path,) = (results / "figures").glob("pretraining--*.csv")
    assert path.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"
    return pd.read_csv(path)


def test_every_milestone_stands_at_its_update(
    figure: Figure, evaluated: Callable[..., None], model: str, tmp_path: Path
) -> None:
    """The finished model is the last milestone; other upstreams, and models called alike, are not drawn."""
    for upstream, ua in (("small_at_100", 0.4), ("small", 0.5), ("small_at_0", 0.3), ("small_at_0_b", 0.9)):
        evaluated(upstream, ua)
    evaluated("fbank", 0.8)
    code, out, err = figure(f"model={model}")
    assert code == 0, err
    found = table(tmp_path)
    assert found["updates"].tolist() == [0, 100, 300]
    assert found["score"].tolist() == pytest.approx([30, 40, 50])
    assert found["frame_loss"].tolist() == pytest.approx([8.8, 7.0, 3.0])
    assert "emodb_loso" in out


def test_each_recipe_has_a_curve_in_the_order_asked_for(
    figure: Figure, evaluated: Callable[..., None], model: str, tmp_path: Path
) -> None:
    for recipe in ("emodb_10fold", "emodb_loso"):
        for upstream in ("small_at_0", "small"):
            evaluated(upstream, 0.5, recipe=recipe)
    code, _, err = figure(f"model={model}", "recipe=[emodb_loso,emodb_10fold]", "score=pooled")
    assert code == 0, err
    found = table(tmp_path)
    assert found["probe"].unique().tolist() == ["emodb_loso, lda", "emodb_10fold, lda"]
    assert set(found["score"]) == {25.0}


def test_what_is_missing_is_told_with_the_command(
    figure: Figure, evaluated: Callable[..., None], model: str
) -> None:
    evaluated("fbank", 0.8)
    code, _, err = figure("model=nobody")
    assert code == 2
    assert "one of small" in err
    code, _, err = figure(f"model={model}", "recipe=emodb_loso")
    assert code == 2
    assert "run recipe=emodb_loso upstream=small_at_0,small_at_100,small" in err


def test_three_panels_share_the_updates_and_nothing_is_drawn_of_nothing() -> None:
    history = [{"update": 1.0, "frame_loss": 2.0, "target_std": 0.5, "prediction_std": 0.1}]
    nothing = float("nan")
    probe = Probe(name="p", updates=(0, 1), scores=(20.0, 30.0), low=(nothing, 25.0), high=(nothing, 35.0))
    picture = milestone_figure(history, [probe], "UA (%)", ["title"])
    labels = [axes.get_ylabel() for axes in picture.axes]
    assert labels == ["loss", "standard deviation", "UA (%)"]
    assert [line.get_label() for line in picture.axes[0].lines] == ["frame loss"]
    assert picture.axes[2].lines[0].get_ydata().tolist() == [20.0, 30.0]
    with pytest.raises(HarnessError, match="nothing to draw"):
        milestone_figure(history, [], "UA (%)", [])
