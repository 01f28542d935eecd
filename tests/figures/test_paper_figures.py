"""Figures 3 and 5 of emotion2vec from corpus to picture: the same on every run, with the numbers that it shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from harness.cli import main
from harness.config import build
from harness.errors import ConfigError, HarnessError
from harness.figures import figure_names
from harness.figures._embeddings import _cloud, _order, _panel, notes_of
from harness.figures._layout import Layout, Request, compose, layout_names
from harness.figures._vectors import chosen_fold, embedded
from harness.study import Study, plan

WORDS = ("corpus=synthetic", "upstreams=[fbank,egemaps]", "head.epochs=4")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def figure(cache: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["figure", *words, f"results={tmp_path}"])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="module")
def drawn(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Figure 5 of the made-up corpus, drawn once."""
    results = tmp_path_factory.mktemp("figure_5")
    assert main(["figure", "emotion2vec/5", *WORDS, f"results={results}"]) == 0
    return results / "figures"


def studies(
    name: str, *overrides: str, upstreams: tuple[str, ...] = ("fbank", "egemaps")
) -> tuple[Layout, list[Study]]:
    layout, configs = compose(Request(name, upstreams, {}, overrides))
    return layout, [plan(config) for config in configs.values()]


def only(folder: Path, suffix: str) -> Path:
    (path,) = folder.glob(f"*{suffix}")
    return path


def test_another_process_draws_the_same_bytes(drawn: Path, cache: Path, tmp_path: Path) -> None:
    """Trained anew, laid out anew: picture, print, table and coordinates."""
    command = [
        sys.executable,
        "-m",
        "harness",
        "figure",
        "emotion2vec/5",
        *WORDS,
        f"results={tmp_path}",
        "force=true",
    ]
    subprocess.run(
        command, check=True, capture_output=True, env=os.environ | {"EMOHARNESS_CACHE": str(cache)}
    )
    for suffix in (".png", ".pdf", ".csv", ".json"):
        assert only(tmp_path / "figures", suffix).read_bytes() == only(drawn, suffix).read_bytes(), suffix


def test_the_numbers_are_those_of_the_test_utterances(drawn: Path) -> None:
    """Computed anew from the vectors and the corpus with scikit-learn; the table rounds to 6 digits."""
    table = pd.read_csv(only(drawn, ".csv")).set_index("upstream")
    layout, found = studies("emotion2vec/5", "corpus=synthetic", "head.epochs=4")
    for study in found:
        fold = chosen_fold(study, None)
        truth = np.array([example.target for example in study.by_id(fold.test)])
        made = embedded(study, fold)
        assert made.vectors.shape == (len(fold.test), 256)
        row = table.loc[study.config.upstream.name]
        assert row["silhouette (256-d)"] == pytest.approx(silhouette_score(made.vectors, truth), abs=2e-6)
        right = cross_val_score(KNeighborsClassifier(5), made.vectors.astype(float), truth, cv=LeaveOneOut())
        assert row["5-NN accuracy (%, leave-one-out, 256-d)"] == pytest.approx(100 * right.mean(), abs=1e-4)
        predicted = np.array(study.examples.classes)[made.logits.argmax(1)]
        assert row["UA of the head (%)"] == pytest.approx(
            100 * balanced_accuracy_score(truth, predicted), abs=1e-4
        )
        assert row["utterances"] == len(fold.test)
    assert layout.neighbours == 5


def test_the_numbers_stand_under_the_picture(drawn: Path) -> None:
    layout, found = studies("emotion2vec/5", "corpus=synthetic", "head.epochs=4")
    table = json.loads(only(drawn, ".json").read_text())["table"]
    for study, row in zip(found, table, strict=True):
        cloud = _cloud(study, layout)
        panel = _panel(cloud, layout)
        assert panel.title == row["upstream"]
        assert panel.caption == (
            f"silhouette {row['silhouette (256-d)']:.3f} (256-d)",
            f"silhouette {row['silhouette (picture)']:.3f} (picture)",
            f"5-NN accuracy {row['5-NN accuracy (%, leave-one-out, 256-d)']:.1f} % (256-d)",
            f"UA of the head {row['UA of the head (%)']:.1f} %",
        )
        drawn_silhouette = silhouette_score(panel.points, panel.labels)
        assert row["silhouette (picture)"] == pytest.approx(drawn_silhouette, abs=2e-6)


def test_made_up_audio_is_said_first(drawn: Path) -> None:
    facts = json.loads(only(drawn, ".json").read_text())
    assert facts["heading"][0] == "SYNTHETIC AUDIO"
    assert any("SYNTHETIC" in note for note in facts["notes"])


def test_speakers_are_apart_and_a_tenth_of_them_selects(drawn: Path) -> None:
    _, (study,) = studies("emotion2vec/5", "corpus=synthetic", upstreams=("fbank",))
    (fold,) = study.folds.folds
    parts = [{one.speaker for one in study.by_id(ids)} for ids in (fold.train, fold.dev, fold.test)]
    assert not study.folds.shared_speakers
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert len(parts[2]) == round(0.2 * sum(map(len, parts)))
    assert len(parts[1]) == 1


def test_the_published_hold_out_can_be_asked_for_and_says_so(cache: Path) -> None:
    _, (study,) = studies(
        "emotion2vec/5", "corpus=synthetic", "split=hold_out_as_published", upstreams=("fbank",)
    )
    fold, count = chosen_fold(study, None), len(study.examples.examples)
    assert abs(len(fold.test) - 0.2 * count) < 1
    assert abs(len(fold.dev) - 0.1 * (count - len(fold.test))) <= 1
    assert study.folds.shared_speakers
    assert any("Figure 5" in note for note in study.notes())


def test_figure_3_shows_arousal(figure: Run, tmp_path: Path) -> None:
    code, out, err = figure("emotion2vec/3", "corpus=synthetic", "upstreams=fbank", "head.epochs=2")
    assert code == 0, err
    facts = json.loads(only(tmp_path / "figures", ".json").read_text())
    assert facts["order"] == ["high arousal", "low arousal"]
    layout, (study,) = studies("emotion2vec/3", "corpus=synthetic", "head.epochs=2", upstreams=("fbank",))
    cloud = _cloud(study, layout)
    high = {"anger", "happiness"}
    assert list(cloud.labels) == [
        "high arousal" if one.target in high else "low arousal" for one in study.by_id(cloud.fold.test)
    ]
    assert "| fbank | 48 | 2 |" in out


def test_who_is_in_no_group_is_not_drawn_and_counted(cache: Path) -> None:
    layout, (study,) = studies("emotion2vec/3", "corpus=synthetic", "head.epochs=2", upstreams=("fbank",))
    layout.groups = {"high": ["anger"], "low": ["sadness"], "absent": ["disgust"]}
    cloud = _cloud(study, layout)
    kept = [one.target for one in study.by_id(cloud.fold.test) if one.target in ("anger", "sadness")]
    assert list(cloud.labels) == [{"anger": "high", "sadness": "low"}[target] for target in kept]
    assert _order(layout, [cloud]) == ["high", "low"]
    assert f"{len(cloud.fold.test) - len(kept)} test utterances are in no group and not drawn" in notes_of(
        [cloud]
    )


def test_one_label_is_told_before_anything_is_trained(cache: Path) -> None:
    layout, (study,) = studies("emotion2vec/3", "corpus=synthetic", "head.epochs=999", upstreams=("fbank",))
    layout.groups = {"high": ["anger"]}
    with pytest.raises(HarnessError, match="nothing to tell apart in the picture of fbank"):
        _cloud(study, layout)


def test_a_class_in_two_groups_is_refused(cache: Path) -> None:
    layout, (study,) = studies("emotion2vec/3", "corpus=synthetic", upstreams=("fbank",))
    layout.groups = {"high": ["anger"], "low": ["anger"]}
    with pytest.raises(ConfigError, match="two groups"):
        _cloud(study, layout)


@pytest.mark.parametrize("name", layout_names())
def test_every_paper_figure_composes(name: str) -> None:
    layout, configs = compose(Request(name, (), {}, ()))
    assert list(configs) == layout.upstreams
    assert all(config.upstream.name == upstream for upstream, config in configs.items())
    assert all(config.head.name == "e2v_linear" for config in configs.values())


def test_figure_3_is_the_papers_protocol_at_home_and_by_speakers_elsewhere() -> None:
    home = compose(Request("emotion2vec/3", ("fbank",), {}, ("corpus.root=/x",)))[1]["fbank"].split
    assert (home.name, home.settings["dev_share"]) == ("leave_session_out", 0.1)
    elsewhere = compose(Request("emotion2vec/3", ("fbank",), {}, ("corpus=emodb",)))[1]["fbank"].split
    assert (elsewhere.name, elsewhere.settings["dev_share"]) == ("speaker_share", 0.1)
    chosen = compose(Request("emotion2vec/3", ("fbank",), {}, ("split=leave_speaker_out",)))[1]["fbank"].split
    assert chosen.name == "leave_speaker_out"


def test_paths_reach_their_upstream_only() -> None:
    """With signs that Hydra's grammar would trip over."""
    paths = {"byol_s": "/a b=c,(d)/w.pth"}
    _, configs = compose(Request("emotion2vec/5", ("egemaps", "byol_s"), paths, ()))
    assert configs["byol_s"].upstream.path == paths["byol_s"]
    assert configs["egemaps"].upstream.path is None


BAD = {
    "head without embed": (("head=superb_linear", "view=weighted"), "cannot show what it has learnt to see"),
    "several seeds": (("seeds=[0,1]",), "one seed"),
    "unknown fold": (("figure.fold=speaker",), "did you mean speakers"),
    "unknown setting": (("figure.neighbour=3",), "did you mean neighbours"),
    "unknown setting of the recipe": (("head.epoch=3",), "harness figure --help"),
    "upstream as in run": (("upstream=fbank",), "upstreams=[A,B]"),
    "twice": (("upstreams=[fbank,fbank]",), "drawn twice"),
    "unknown upstream": (("upstreams=[fbnk]",), "did you mean fbank"),
    "a path for nobody": (("paths.byol_s=/x",), "paths.byol_s"),
    "unknown split": (("split=holdout",), "did you mean hold_out"),
    "too many neighbours": (("figure.neighbours=60",), "at least 62 test utterances"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_words_are_told_in_one_message(figure: Run, kind: str) -> None:
    words, message = BAD[kind]
    code, _, err = figure("emotion2vec/5", "corpus=synthetic", "upstreams=[fbank]", *words)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_the_verb_without_a_name_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figure"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == figure_names()
    assert main(["figure", "emotion2vec/4"]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert main(["figure", "confusion", "languages"]) == 2


def test_a_damaged_cache_is_made_anew(cache: Path) -> None:
    _, (study,) = studies("emotion2vec/5", "corpus=synthetic", "head.epochs=1", upstreams=("fbank",))
    fold = chosen_fold(study, None)
    before = embedded(study, fold)
    path = max((cache / "embeddings").glob("*.npz"), key=lambda path: path.stat().st_mtime_ns)
    path.write_bytes(path.read_bytes()[:50])
    np.testing.assert_array_equal(embedded(study, fold).vectors, before.vectors)
    assert len(path.read_bytes()) > 50


def test_a_layout_needs_its_title_and_upstreams() -> None:
    values: dict[str, Any] = {"title": "a"}
    with pytest.raises(ConfigError, match="upstreams"):
        build(Layout, values, where="figure")
