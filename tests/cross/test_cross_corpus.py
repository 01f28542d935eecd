"""Trained on one corpus, tested on another: what is read, what is refused, what is recorded under which name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from harness import config
from harness.board import write_board
from harness.cells import train
from harness.corpora import load_corpus
from harness.cross import pairs_of
from harness.errors import ConfigError, LabelError, SplitError
from harness.features import Features
from harness.joint import corpus_of, joined
from harness.manifest import Manifest
from harness.record import run_key
from harness.registry import load
from harness.study import Study, plan

Call = Callable[..., tuple[int, str, str]]
SHARED = ["anger", "happiness", "neutral", "sadness"]


def records(results: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in (results / "records").glob("*.json")]
    return {record["recipe"]: record for record in found}


@pytest.fixture(scope="module")
def manifests(roots: dict[str, Path], cache: Path) -> dict[str, Manifest]:
    return {name: load_corpus(load("corpora", name), root, "repair") for name, root in roots.items()}


def composed(*words: str) -> config.RunConfig:
    return config.compose("cross_corpus", ["upstream=mfcc", "corpus.on_fault=repair", *words])


def study_of(manifests: dict[str, Manifest], *words: str) -> Study:
    made = composed(*words)
    return plan(made, joined([manifests[name] for name in (*made.train, made.corpus.name)]))


def test_both_directions_in_one_matrix_and_never_twice(call: Call, tmp_path: Path) -> None:
    code, out, err = call("cross", "corpora=[emodb,urdu]", "upstream=mfcc")
    assert code == 0, err
    made = records(tmp_path / "results")
    assert set(made) == {"emodb_to_urdu", "urdu_to_emodb"}
    assert made["emodb_to_urdu"]["scores"]["metrics"]["ua"]["pooled"] > 0.9  # pitch tells the emotion in both
    (matrix,) = (tmp_path / "results" / "cross").glob("*_matrix.csv")
    table = pd.read_csv(matrix).set_index(["metric", "trained on"])
    for name, record in made.items():
        trained, tested = name.split("_to_")
        ua = 100 * record["scores"]["metrics"]["ua"]["pooled"]
        assert table.loc[("UA", trained), tested] == pytest.approx(ua, abs=1e-4)  # written with four decimals
        assert np.isnan(table.loc[("UA", trained), trained])
    assert "| emodb |" in out
    assert list((tmp_path / "results" / "cross").glob("*.png"))
    assert "emodb_to_urdu" in (tmp_path / "results" / "CROSS.md").read_text()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").glob("*/*.json")}
    assert call("cross", "corpora=[emodb,urdu]", "upstream=mfcc")[0] == 0
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "results").glob("*/*.json")}
    code, _, err = call("run", "recipe=cross_corpus", "train=[emodb]", "corpus=urdu", "upstream=mfcc")
    assert code == 0
    assert "recorded already" in err


def test_the_record_holds_both_corpora_and_what_is_left_out(
    call: Call, tmp_path: Path, manifests: dict[str, Manifest]
) -> None:
    call("cross", "pairs=[emodb_to_urdu]", "upstream=mfcc")
    corpus = records(tmp_path / "results")["emodb_to_urdu"]["corpus"]
    (trained,) = corpus["trained_on"]
    for facts, name in ((corpus, "urdu"), (trained, "emodb")):
        labels = manifests[name].table["label"]
        assert (facts["name"], facts["content"]) == (name, manifests[name].content_hash())
        assert facts["left_out"] == labels[~labels.isin(SHARED)].value_counts().to_dict()
        assert facts["examples"] == labels.isin(SHARED).sum()
    page = (tmp_path / "results" / "CROSS.md").read_text()
    assert (
        "python -m harness cross pairs=[emodb_to_urdu] roots.emodb=DIR roots.urdu=DIR upstream=mfcc" in page
    )
    assert str(tmp_path) not in json.dumps(records(tmp_path / "results"))


def test_features_of_an_ordinary_run_serve_a_crossing(
    call: Call, roots: dict[str, Path], tmp_path: Path
) -> None:
    options = ("upstream=mfcc", "upstream.options.cmvn=true")
    try:
        composed(*options)
    except ConfigError:
        options = ("upstream=fbank",)
    code, _, err = call("extract", "recipe=loso", "corpus=emodb", f"corpus.root={roots['emodb']}", *options)
    assert code == 0, err
    assert call("run", "recipe=cross_corpus", "train=[emodb]", "corpus=urdu", *options)[0] == 0
    record = records(tmp_path / "results")["emodb_to_urdu"]
    assert record["extraction"]["utterances"] == record["corpus"]["examples"]


def test_all_of_the_tested_corpus_is_tested_and_none_of_it_selects(manifests: dict[str, Manifest]) -> None:
    study = study_of(manifests, "train=[emodb]", "corpus=urdu")
    (fold,) = study.folds.folds
    assert list(study.examples.classes) == SHARED
    assert {corpus_of(name) for name in fold.test} == {"urdu"}
    assert {corpus_of(name) for name in (*fold.train, *fold.dev)} == {"emodb"}
    assert len(fold.test) == manifests["urdu"].table["label"].isin(SHARED).sum()
    who = {example.id: example.speaker for example in study.examples.examples}
    train_speakers, dev_speakers = {who[i] for i in fold.train}, {who[i] for i in fold.dev}
    assert dev_speakers
    assert not train_speakers & dev_speakers
    assert study.config.recipe == fold.name == "emodb_to_urdu"


def test_two_corpora_train_together(manifests: dict[str, Manifest]) -> None:
    study = study_of(manifests, "train=[emodb,ravdess_speech]", "corpus=urdu")
    (fold,) = study.folds.folds
    for part in (fold.train, fold.dev):
        assert {corpus_of(name) for name in part} == {"emodb", "ravdess_speech"}
    assert study.config.recipe == "emodb_and_ravdess_speech_to_urdu"


def test_an_equal_name_is_another_person_in_another_corpus(manifests: dict[str, Manifest]) -> None:
    renamed = manifests["urdu"].table.assign(speaker="03", dialogue="d1")
    table = joined([manifests["emodb"], dataclasses.replace(manifests["urdu"], table=renamed)]).table
    assert set(table.loc[table["corpus"] == "urdu", "speaker"]) == {"urdu:03"}
    assert set(table.loc[table["corpus"] == "urdu", "dialogue"]) == {"urdu:d1"}
    assert "emodb:03" in set(table["speaker"])
    assert table["id"].is_unique
    for path, corpus in zip(table["path"], table["corpus"], strict=True):
        root = joined([manifests["emodb"], manifests["urdu"]]).root
        assert (root / path).is_file(), corpus


def test_actors_who_speak_and_sing_are_refused_unless_named(manifests: dict[str, Manifest]) -> None:
    words = ("train=[ravdess_speech]", "corpus=ravdess_song")
    with pytest.raises(SplitError, match="3 speaker"):
        study_of(manifests, *words)
    study = study_of(manifests, *words, "split.shares_speakers_as='some paper, Table 1'")
    assert study.folds.shared_speakers == ("ravdess:01", "ravdess:02", "ravdess:03")
    assert any("some paper, Table 1" in note for note in study.notes())


def test_a_recording_in_both_corpora_is_refused_unless_named(manifests: dict[str, Manifest]) -> None:
    emodb, urdu = manifests["emodb"], manifests["urdu"]
    content = [emodb.table["content"].iloc[0], *urdu.table["content"].iloc[1:]]
    copied = manifests | {"urdu": dataclasses.replace(urdu, table=urdu.table.assign(content=content))}
    with pytest.raises(SplitError, match="recordings that train"):
        study_of(copied, "train=[emodb]", "corpus=urdu")
    study = study_of(copied, "train=[emodb]", "corpus=urdu", "split.shares_speakers_as='some paper, Table 1'")
    assert any("1 tested recordings are in training" in note for note in study.notes())


def test_speakers_whom_nobody_names_are_no_reason_to_refuse(manifests: dict[str, Manifest]) -> None:
    """They are of another corpus; as those who train they can give no dev part by speaker."""
    urdu = manifests["urdu"]
    nameless = manifests | {"urdu": dataclasses.replace(urdu, table=urdu.table.assign(speaker=""))}
    study = study_of(nameless, "train=[emodb]", "corpus=urdu")
    assert not study.folds.shared_speakers
    with pytest.raises(SplitError, match="urdu does not name all its speakers"):
        study_of(nameless, "train=[urdu]", "corpus=emodb")
    other = study_of(nameless, "train=[urdu]", "corpus=emodb", "split.dev_by=utterance")
    assert any("drawn by utterance" in note for note in other.notes())


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["task.drop=[anger,happiness,neutral]"], "share one label only, sadness"),
        (["task.classes=[anger,boredom]"], "not all corpora have boredom"),
    ],
)
def test_too_few_labels_are_told_with_those_of_both(
    words: list[str], what: str, manifests: dict[str, Manifest]
) -> None:
    with pytest.raises(LabelError, match=what) as told:
        study_of(manifests, "train=[emodb]", "corpus=urdu", *words)
    assert "emodb: " in str(told.value.got)
    assert "urdu: " in str(told.value.got)


def test_one_message_and_exit_code_2(call: Call) -> None:
    code, out, err = call(
        "cross", "corpora=[emodb,urdu]", "upstream=mfcc", "task.drop=[anger,happiness,neutral]"
    )
    assert (code, out) == (2, "")
    assert err.count("next: ") == 1
    assert "boredom" in err


def test_labels_that_name_no_emotion_are_not_shared(manifests: dict[str, Manifest]) -> None:
    other = {
        name: dataclasses.replace(
            manifests[name], table=manifests[name].table.replace({"label": {"sadness": "other"}})
        )
        for name in ("emodb", "urdu")
    }
    study = study_of(manifests | other, "train=[emodb]", "corpus=urdu")
    assert list(study.examples.classes) == ["anger", "happiness", "neutral"]
    viewed = study_of(manifests, "train=[emodb]", "corpus=urdu", "task.view=emotion2vec9")
    assert list(viewed.examples.classes) == ["angry", "happy", "neutral", "sad"]


@pytest.mark.parametrize("touched", ["emodb", "urdu"])
def test_an_upstream_that_heard_either_corpus_says_so(touched: str, manifests: dict[str, Manifest]) -> None:
    study = study_of(manifests, "train=[emodb]", "corpus=urdu", f"upstream.trained_on=[{touched}]")
    assert f"mfcc was itself trained on {touched}" in study.notes()


@pytest.mark.parametrize("switches", [(), ("speakers=zscore",), ("speakers=zscore", "prior=estimated")])
def test_no_label_of_the_tested_corpus_is_read(
    switches: tuple[str, ...], manifests: dict[str, Manifest]
) -> None:
    """With its labels dealt anew, what is predicted for it is bit for bit the same."""
    urdu = manifests["urdu"]
    dealt = urdu.table.assign(label=np.random.default_rng(1).permutation(urdu.table["label"]))
    changed = manifests | {"urdu": dataclasses.replace(urdu, table=dealt)}
    outputs = []
    for given in (manifests, changed):
        study = study_of(given, "train=[emodb]", "corpus=urdu", *switches)
        (cell,) = train(study, Features(study), {})
        outputs.append(cell.predictions.table.set_index("id"))
    assert (outputs[0]["truth"] != outputs[1]["truth"]).any()
    assert outputs[0].index.equals(outputs[1].index)
    assert np.array_equal(np.stack(outputs[0]["logits"]), np.stack(outputs[1]["logits"]))


def test_switches_are_told_and_change_the_key_only_where_they_are_on(
    call: Call, tmp_path: Path, manifests: dict[str, Manifest]
) -> None:
    code, _, err = call(
        "cross", "pairs=['emodb>urdu']", "upstream=mfcc", "speakers=none,zscore", "prior=none,uniform"
    )
    assert code == 0, err
    kept = [json.loads(path.read_text()) for path in (tmp_path / "results" / "records").glob("*.json")]
    assert len({record["key"] for record in kept}) == 4
    both = next(r for r in kept if r["adapted"].get("speakers") and r["adapted"].get("prior"))
    assert both["adapted"]["cells"][0]["temperature"] > 0
    assert both["adapted"]["by_corpus"]["unnamed"] == 0
    assert any("transductive" in note for note in both["notes"])
    assert next(r for r in kept if not r["adapted"])["adapted"] == {}
    board = write_board(tmp_path / "results")
    assert "z-scored by speaker" in board
    assert "class shares corrected to equal ones" in board


def test_keys_without_switches_are_those_of_before() -> None:
    study = plan(config.compose("synthetic_5fold", []))
    before = {
        "corpus": study.manifest.content_hash(),
        "protocol": study.folds.fingerprint,
        "upstream": study.upstream_identity,
        "view": dataclasses.asdict(study.view),
        "head": study.head.identity,
    }
    assert study.cell_key == run_key(before)
    assert plan(config.compose("synthetic_5fold", ["speakers=zscore"])).cell_key != study.cell_key
    assert plan(config.compose("synthetic_5fold", ["prior=uniform"])).cell_key != study.cell_key


def test_the_diagonal_has_the_labels_of_the_directions(call: Call, tmp_path: Path) -> None:
    code, _, err = call(
        "cross", "corpora=[emodb,urdu]", "upstream=mfcc", "within=loso", "within.split.dev_speakers=2"
    )
    assert code == 0, err
    (matrix,) = (tmp_path / "results" / "cross").glob("*_matrix.csv")
    table = pd.read_csv(matrix).set_index(["metric", "trained on"])
    assert table.loc["UA", ["emodb", "urdu"]].notna().all().all()
    assert records(tmp_path / "results")["loso"]["task"]["classes"] == SHARED


@pytest.mark.parametrize(
    "words", [("corpora=[emodb]",), (), ("train=[emodb]",), ("pairs=[emodb]",), ("train=[emodb]", "test=emodb"),
              ("corpora=[emodb,nowhere]",), ("corpora=[emodb,urdu]", "prior=flat"),
              ("corpora=[emodb,urdu]", "roots.cafe=/data")]
)  # fmt: skip
def test_bad_words_get_one_message(words: tuple[str, ...], call: Call) -> None:
    code, _, err = call("cross", *words)
    assert code == 2
    assert "Traceback" not in err


def test_every_ordered_pair() -> None:
    names = [pair.name for pair in pairs_of(["c", "a", "b"], [], [], [])]
    assert names == ["c_to_a", "c_to_b", "a_to_c", "a_to_b", "b_to_c", "b_to_a"]
    assert [pair.name for pair in pairs_of([], [], ["b", "a"], ["c"])] == ["a_and_b_to_c"]
    assert [pair.name for pair in pairs_of([], ["a+b>c", "a_to_c"], [], [])] == ["a_and_b_to_c", "a_to_c"]


def test_a_file_that_is_there_twice_is_found_by_its_samples(roots: dict[str, Path], tmp_path: Path) -> None:
    """The same check through real files: a clip of one corpus copied into the other under a name of its own."""
    import shutil

    root = tmp_path / "urdu"
    shutil.copytree(roots["urdu"], root)
    wave, rate_hz = soundfile.read(next((roots["emodb"] / "wav").glob("*N*.wav")))
    soundfile.write(next((root / "Neutral").glob("*.wav")), wave, rate_hz)
    made = composed("train=[emodb]", "corpus=urdu", f"roots.emodb={roots['emodb']}", f"corpus.root={root}")
    with pytest.raises(SplitError, match="recordings that train"):
        plan(made)


def test_frames_of_two_corpora_and_both_switches_reach_a_head_that_pools_by_itself(
    call: Call, tmp_path: Path
) -> None:
    code, _, err = call(
        "cross", "pairs=[emodb_to_urdu]", "upstream=mfcc", "head=e2v_linear", "head.epochs=8", "view=last",
        "speakers=zscore", "prior=uniform",
    )  # fmt: skip
    assert code == 0, err
    record = records(tmp_path / "results")["emodb_to_urdu"]
    assert record["head"]["name"] == "e2v_linear"
    assert record["scores"]["metrics"]["ua"]["pooled"] > 0.25


def test_audit_examines_a_crossing(call: Call) -> None:
    code, out, err = call("audit", "recipe=cross_corpus", "audio=false")
    assert code == 0, err
    assert "emodb_to_urdu" in out
    assert "left out of emodb" in out
