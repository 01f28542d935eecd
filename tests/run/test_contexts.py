"""What a head that reads conversations is given: scaled on training utterances alone, whatever the modality."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score

from harness import cells, config, study
from harness.contexts import ContextViews
from harness.contracts import ROLES
from harness.corpora import load_corpus, synthetic_conversation
from harness.errors import ConfigError, CorpusError, HarnessError
from harness.features import Features
from harness.manifest import Manifest
from harness.scaling import reduced, standardised
from harness.study import Study

TEXT = 15
"""Width of the small encoder's texts: it gives 16, and the script has 16 lines, which span one dimension less."""
Plan = Callable[..., Study]
Call = Callable[..., tuple[int, str, str]]


# ----------------------------------------------------------------------------------------------------- scaling


def drawn(rows: int, dim: int, seed: int = 0) -> NDArray[np.float32]:
    chance = np.random.default_rng(seed)
    return (chance.normal(size=(rows, dim)) * chance.uniform(0.01, 50, dim) + 7).astype(np.float32)


def test_training_rows_have_mean_zero_and_deviation_one() -> None:
    values, train = drawn(50, 6), np.arange(10, 40)
    scaled = standardised(values, train)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[train].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled[train].std(0), 1, atol=1e-6)
    mean, deviation = values[train].mean(0), values[train].std(0)
    np.testing.assert_allclose(scaled[:10], (values[:10] - mean) / deviation, rtol=1e-4, atol=1e-4)


def test_a_constant_column_is_only_centred() -> None:
    values, train = drawn(20, 3), np.arange(10)
    values[:, 1] = 0.1
    values[15, 1] = 0.6
    scaled = standardised(values, train)
    assert np.isfinite(scaled).all()
    np.testing.assert_allclose(scaled[:15, 1], 0, atol=1e-6)
    np.testing.assert_allclose(scaled[15, 1], 0.5, atol=1e-6)


def test_components_are_those_of_the_training_rows() -> None:
    """Against the eigenvectors of their covariance, up to sign."""
    values, train = drawn(60, 8), np.arange(40)
    scores = reduced(values, train, 3)
    centred = values.astype(np.float64) - values[train].mean(0, dtype=np.float64)
    lengths, axes = np.linalg.eigh(np.cov(centred[train].T))
    wanted = centred @ axes[:, np.argsort(-lengths)[:3]]
    np.testing.assert_allclose(np.abs(scores), np.abs(wanted), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("rows", "dim", "wanted", "width"), [(9, 20, 378, 8), (500, 20, 378, 20), (500, 400, 378, 378)]
)
def test_there_are_no_more_components_than_the_training_rows_span(
    rows: int, dim: int, wanted: int, width: int
) -> None:
    assert reduced(drawn(rows + 5, dim), np.arange(rows), wanted).shape == (rows + 5, width)


def test_rows_that_are_all_alike_say_nothing() -> None:
    values = drawn(20, 5)
    values[:15] = values[0]
    assert np.array_equal(reduced(values, np.arange(15), 3), np.zeros((20, 1), np.float32))


def test_rounding_is_no_component() -> None:
    """Ten columns that are mixtures of two: what is left would be blown up to unit variance."""
    values = (drawn(40, 2) @ np.random.default_rng(1).normal(size=(2, 10))).astype(np.float32)
    assert reduced(values, np.arange(30), 378).shape[1] == 2


@pytest.mark.parametrize("scale", [standardised, lambda values, train: reduced(values, train, 3)])
def test_what_is_not_trained_on_shapes_nothing(scale: Callable[..., NDArray[np.float32]]) -> None:
    values, train = drawn(50, 6), np.arange(0, 50, 2)
    other = values.copy()
    other[1::2] = 1e4 * drawn(25, 6, seed=5)
    assert np.array_equal(scale(values, train)[train], scale(other, train)[train])
    assert not np.array_equal(scale(values, train), scale(other, train))


# ------------------------------------------------------------------------------------------- views of a study


@pytest.fixture(scope="module")
def whole() -> Manifest:
    return load_corpus(synthetic_conversation)


@pytest.fixture(scope="module")
def few(whole: Manifest) -> Manifest:
    """Two dialogues of every session."""
    return replace(whole, table=whole.table[whole.table["dialogue"].str[-2:].isin(["01", "02"])])


@pytest.fixture(scope="module")
def bert(whole: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder that knows the words of the script."""
    from upstreams import _torchaudio_shim

    _torchaudio_shim.install()
    path = Path(__file__).parent.parent / "upstreams" / "tiny_bert.py"
    spec = importlib.util.spec_from_file_location("tiny_bert_of_contexts", path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    folder: Path = module.write_tiny_bert(tmp_path_factory.mktemp("tiny") / "bert", whole.table["text"])
    return folder


@pytest.fixture
def plan(few: Manifest, bert: Path, tmp_path: Path) -> Plan:
    """A study of the made-up conversations under these overrides, with small models."""

    def make(*overrides: str, manifest: Manifest = few) -> Study:
        quick = ["upstream=fbank", f"text.path={bert}", "text.dim=16", "text.options.max_tokens=32"]
        places = [f"results={tmp_path / 'results'}", "track=false", "resamples=50"]
        recipe = config.compose("synthetic_epc", [*quick, *places, *overrides])
        return study.plan(recipe, manifest)

    return make


def views_of(made: Study) -> ContextViews:
    return ContextViews(made, Features(made))


@pytest.mark.parametrize(
    ("words", "width"),
    [
        (["modality=speech"], 240),
        (["modality=text"], TEXT),
        (["modality=speech+text"], 240 + TEXT),
        (["beside=[mfcc]"], 240 + 39),
        (["beside=[mfcc]", "modality=speech+text"], 240 + 39 + TEXT),
    ],
)
def test_modalities_stand_side_by_side(plan: Plan, words: list[str], width: int) -> None:
    made = plan(*words)
    fold = made.folds.folds[0]
    views = views_of(made).views(fold)
    assert views.dev is not None
    for part, ids in ((views.train, fold.train), (views.dev, fold.dev), (views.test, fold.test)):
        view: Any = part.view
        assert view.values.shape[1:] == (1, width)
        assert len(view) == len(ids) == len(part.targets)
        for place, example in enumerate(made.by_id(ids)):
            mine = slice(int(view.offsets[place]), int(view.offsets[place + 1]))
            assert [made.read_utterances()[row] for row in view.rows[mine]] == list(example.utterances)
            assert [ROLES[role] for role in view.roles[mine]] == list(example.roles)
            assert made.examples.classes[int(part.targets[place])] == example.target


def test_every_block_is_scaled_on_the_utterances_that_train(plan: Plan) -> None:
    made = plan("modality=speech+text")
    fold = made.folds.folds[3]
    values = views_of(made).values(fold)
    rows = {name: row for row, name in enumerate(made.read_utterances())}
    train = sorted({rows[name] for name in made.utterances_of(made.by_id(fold.train))})
    rest = sorted(set(rows.values()) - set(train))
    np.testing.assert_allclose(values[train].mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(values[train].std(0), 1, atol=1e-3)
    assert np.abs(values[rest].mean(0)).max() > 0.05


def test_a_tested_text_changes_no_bit_of_what_trains(plan: Plan, few: Manifest) -> None:
    made = plan("modality=speech+text")
    fold = made.folds.folds[0]
    tested = set(made.utterances_of(made.by_id(fold.test)))
    table = few.table.copy()
    table.loc[table["id"].isin(tested), "text"] = "I feel so outrageous on Monday, bus of lies."
    other = plan("modality=speech+text", manifest=replace(few, table=table))
    assert other.folds.folds == made.folds.folds
    assert other.cell_key != made.cell_key
    rows = [row for row, name in enumerate(made.read_utterances()) if name not in tested]
    mine, theirs = (views_of(one).values(fold) for one in (made, other))
    assert np.array_equal(mine[rows], theirs[rows])
    assert not np.array_equal(mine, theirs)


def test_a_training_text_does(plan: Plan, few: Manifest) -> None:
    """The test above could not fail if texts were not read."""
    made = plan("modality=text")
    fold = made.folds.folds[0]
    first = made.by_id(fold.train)[0].utterances[0]
    table = few.table.copy()
    table.loc[table["id"] == first, "text"] = "bus bus bus"
    other = plan("modality=text", manifest=replace(few, table=table))
    mine, theirs = (views_of(one).values(fold)[-9:] for one in (made, other))
    assert mine.shape != theirs.shape or not np.allclose(mine, theirs)


def test_text_alone_needs_no_sound(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan("modality=text")
    features = Features(made)
    monkeypatch.setattr("harness.features.extract_requested", None)
    monkeypatch.setattr("harness.models.load_upstream", None)
    assert features.prepare(made.folds.folds[0]) == ()
    assert ContextViews(made, features).values(made.folds.folds[0]).shape[1] == TEXT


def test_names_and_keys_say_what_is_read(plan: Plan) -> None:
    studies = {
        words: plan(*words)
        for words in [
            (),
            ("modality=text",),
            ("modality=speech+text",),
            ("beside=[mfcc]",),
            ("task.turns=3",),
            ("task.order=shuffled",),
        ]
    }
    assert len({made.cell_key for made in studies.values()}) == len(studies)
    names = [studies[words].upstream_identity["name"] for words in list(studies)[:4]]
    assert names == ["fbank", "minilm_l6", "fbank+minilm_l6", "fbank+mfcc"]
    assert plan().cell_key == studies[()].cell_key


def test_notes_say_how_wide_the_texts_are(plan: Plan, few: Manifest, whole: Manifest) -> None:
    assert not any("texts by" in line for line in plan().notes())
    (line,) = [line for line in plan("modality=text").notes() if "texts by" in line]
    assert (
        "(16 wide) are reduced to 16 dimensions at most, on training data only: vectors of 16 allow" in line
    )
    (line,) = [line for line in plan("modality=text", "text.dim=768").notes() if "texts by" in line]
    assert re.search(r"reduced to \d\d\d dimensions.*: \d\d\d training utterances allow no more", line)
    (line,) = [
        line for line in plan("modality=text", "text.dim=768", manifest=whole).notes() if "texts by" in line
    ]
    assert line.endswith("reduced to 378 dimensions at most, on training data only")
    table = few.table.copy()
    table.loc[table.index[:7], "text"] = ""
    lines = plan("modality=text", manifest=replace(few, table=table)).notes()
    assert any("come without words" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["head=e2v_linear"], "reads single utterances"),
        (["task=emotion", "task.drop=[undecided]", "split=leave_session_out"], "reads conversations"),
        (["view=weighted"], "one vector per utterance"),
        (["modality=text", "beside=[mfcc]"], "beside does nothing"),
        (
            ["task=emotion", "split=leave_session_out", "head=e2v_linear", "modality=text"],
            "modality does nothing",
        ),
        (
            ["task=emotion", "split=leave_session_out", "head=e2v_linear", "beside=[mfcc]"],
            "beside does nothing",
        ),
        (["modality=smell"], "modality"),
        (["beside=[nobody]"], "nobody"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(plan: Plan, words: list[str], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        plan(*words).notes()


def test_a_corpus_without_texts_or_a_recipe_without_an_encoder(plan: Plan, few: Manifest) -> None:
    silent = replace(few, table=few.table.assign(text=""))
    with pytest.raises(CorpusError, match="without texts"):
        plan("modality=text", manifest=silent)
    recipe = replace(plan("modality=text").config, text=None)
    with pytest.raises(ConfigError, match="needs an encoder"):
        study.plan(recipe, few)


# -------------------------------------------------------------------------------------------------- learning


def uar(made: Study) -> float:
    """Mean recall in percent over the first session's two voices."""
    first = replace(made.folds, folds=made.folds.folds[:2])
    small = replace(made, folds=first)
    trained = cells.train(small, Features(small), {})
    tables = [cell.predictions.table for cell in trained]
    truth, guess = ([one for table in tables for one in table[name]] for name in ("truth", "predicted"))
    return 100 * float(balanced_accuracy_score(truth, guess))


QUICK = ["head.hidden_dim=32", "head.lr=3e-3", "head.epochs=12"]


def test_what_follows_upon_the_last_turns_is_learnt_from_sound_and_not_from_shuffled_turns(
    plan: Plan, whole: Manifest
) -> None:
    """120 targets of three even classes: chance is 33 with a deviation of 4, the script itself allows 90."""
    assert uar(plan(*QUICK, manifest=whole)) > 60
    assert uar(plan(*QUICK, "task.order=shuffled", manifest=whole)) < 46


def test_it_is_learnt_from_texts_too(plan: Plan, whole: Manifest) -> None:
    assert uar(plan(*QUICK, "modality=text", "head=epc_gru", manifest=whole)) > 50
