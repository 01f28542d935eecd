"""The four tables as data: every row composes, stands beside what is printed, and shares what it can."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness import config, parts
from harness.pretrain import Plan
from harness.sweep import Cell, ablation_names, from_mapping, hydra_words, table_named
from harness.sweep._config import plain_words
from harness.sweep._evaluation import _recipe, evaluation
from harness.sweep._pretraining import Pretrained, _plan

TABLES = {"initialisation": "8", "training_loss": "9", "utterance_loss": "10", "alpha": "11"}
ROWS = [(name, row) for name in TABLES for row in table_named(name).rows]


@cache
def composed(name: str, size: str = "tiny") -> dict[str, Any]:
    """A table's recipe, once; its rows differ in one word."""
    words = hydra_words([f"size={size}", f"row={next(iter(table_named(name).rows))}"])
    return config.hydra_compose(f"ablation/{name}", words, command="sweep")


def cell(name: str, row: str, size: str = "tiny", **changes: Any) -> Cell:
    return from_mapping(name, {**composed(name, size), "row": row, **changes})


@cache
def plan(name: str, row: str) -> Plan:
    one = cell(name, row)
    return _plan(one, one.forms[one.row.form], list(one.row.pretrain))


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_every_row_is_a_pre_training_that_composes(name: str, row: str) -> None:
    """All overrides of a row are settings that its objective has."""
    from harness import registry

    made = plan(name, row)
    module = registry.load("objectives", made.objective.name)
    settings = config.build(module.Config, made.objective.settings, where=row)
    if cell(name, row).row.features != "frames":
        assert settings.network.tokens > 0


@pytest.mark.parametrize("size", ["tiny", "base"])
@pytest.mark.parametrize("name", TABLES)
def test_a_size_says_what_every_row_needs(name: str, size: str) -> None:
    for row in table_named(name).rows:
        one = cell(name, row, size)
        assert one.row.form in one.forms
        assert one.row.start in {"cold", *one.stand_ins, *(one.settings.init_cards if size == "base" else ())}
        assert one.settings.comparable == (size == "base")
    for form in (*one.forms.values(), *one.stand_ins.values()):
        parts.require("recipe of pre-training", form.recipe, parts.part_names("pretrain"))


def test_the_base_size_is_the_paper_s() -> None:
    settings = cell("alpha", "alpha_1", "base").settings
    recipe, words = _recipe(settings)
    assert recipe == "iemocap_5fold"
    assert {"head=e2v_linear", "view=last"} <= set(words)
    assert settings.trained_corpora == ["iemocap", "meld", "mead", "mosei", "msppodcast"]


def test_all_tables_and_all_their_rows_are_swept(project_root: Path) -> None:
    assert ablation_names() == sorted(TABLES)
    for name, number in TABLES.items():
        table = table_named(name)
        assert table.number == number
        swept = parts.read_part("ablation", name)["hydra"]["sweeper"]["params"]["row"]
        assert swept.split(",") == list(table.rows)
        first = (project_root / "recipes" / "ablation" / f"{name}.yaml").read_text(encoding="utf-8")
        assert f"# python -m harness sweep recipe=ablation/{name}" in first


def test_every_printed_row_is_swept_and_no_other_claims_to_be_printed(project_root: Path) -> None:
    text = (project_root / "results" / "published.json").read_text(encoding="utf-8")
    for name, number in TABLES.items():
        table = table_named(name)
        printed = {
            row["system"]
            for row in json.loads(text)["records"]
            if (row["source"], row["table"]) == (table.source, number)
        }
        ours = [row.published for row in table.rows.values() if row.published is not None]
        assert sorted(ours) == sorted(printed)


def test_tables_share_the_pre_trainings_that_are_the_same() -> None:
    """The model of the paper is in all four tables, and the one without utterance loss in two."""
    same = [("initialisation", "data2vec2"), ("training_loss", "both_frm"), ("training_loss", "both_utt")]
    same += [("training_loss", "both_utt_frm"), ("utterance_loss", "chunk"), ("alpha", "alpha_1")]
    assert len({plan(*one).name for one in same}) == 1
    assert plan("alpha", "alpha_0").name == plan("training_loss", "frame_frm").name
    assert plan("alpha", "alpha_1_raw_mean").name == plan("training_loss", "both_frm_raw_mean").name
    warm = [(name, row) for name, row in ROWS if row != "cold"]
    assert len({plan(*one).name for one in warm}) == 14


def test_a_model_s_name_says_what_shapes_it_and_no_place() -> None:
    one = cell("alpha", "alpha_1", audio="/data/a/voices", corpora=None)
    form = one.forms["emotion2vec"]
    elsewhere = one._replace(settings=cell("alpha", "alpha_1", audio="/b/voices", results="/x").settings)
    longer = _plan(one, form, ["optimiser.updates=121"])
    assert _plan(one, form, []).name == _plan(elsewhere, form, []).name != longer.name
    assert str(longer.name).startswith("emotion2vec_tiny_voices_")


def test_models_that_start_from_other_weights_have_other_names(tmp_path: Path) -> None:
    """Two results folders may hold stand-ins of the same name and other content, made by other machines."""
    one, names = cell("alpha", "alpha_1"), set()
    for content in (b"a", b"b", b"a"):
        (tmp_path / "checkpoint_ema.pt").write_bytes(content)
        words = [f"init.path='{tmp_path / 'checkpoint_ema.pt'}'"]
        names.add(_plan(one, one.forms["emotion2vec"], words).name)
    assert len(names) == 2


@pytest.mark.parametrize(
    ("settings", "recipe"),
    [
        ({"evaluate": {"recipe": "emodb_loso"}}, "emodb_loso"),
        ({"evaluate": {"recipe": None}, "corpora": ["emodb", "urdu"]}, "loso"),
        ({"evaluate": {"recipe": None}}, "synthetic_5fold"),
        ({"evaluate": {}, "audio": ["/data/voices"]}, "synthetic_5fold"),
    ],
)
def test_what_evaluates_where_nothing_is_named(settings: dict[str, Any], recipe: str) -> None:
    chosen, words = _recipe(cell("alpha", "alpha_1", **settings).settings)
    assert chosen == recipe
    assert ("corpus=emodb" in words) == (recipe == "loso")


def test_settings_survive_hydra_s_grammar() -> None:
    """Paths with blanks, quotes and commas come out of Hydra as they went in."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    values = {
        "a": "/data/my corpus, v1/it's",
        "b": ["x y", 1, None, True],
        "c": {"d": 1e-4, "e": "C:\\data\\"},
    }
    parsed = OverridesParser.create().parse_overrides(plain_words(values))
    assert {one.key_or_group: one.value() for one in parsed} == {
        "a": "/data/my corpus, v1/it's",
        "b": ["x y", 1, None, True],
        "c.d": 1e-4,
        "c.e": "C:\\data\\",
    }


@pytest.mark.parametrize(
    ("row", "features"), [("both_utt", "tokens"), ("both_utt_frm", "both"), ("both_frm", None)]
)
def test_a_row_evaluates_its_own_features_where_the_corpus_lies(
    row: str, features: str | None, tmp_path: Path
) -> None:
    """The card comes from beside the weights, so that a table can be finished on another machine."""
    facts = {"name": "mine", "family": "emotion2vec", "about": "a", "licence": "l", "source": "s", "dim": 8}
    facts |= {
        "layers": 2,
        "hop_samples": 320,
        "min_samples": 400,
        "options": {"normalise": True},
        "path": None,
    }
    (tmp_path / "card.yaml").write_text(json.dumps(facts), encoding="utf-8")
    one = cell("training_loss", row, evaluate={"recipe": "emodb_loso", "view": "last"}, corpora=["emodb"],
               roots={"emodb": "/data/emodb"}, seed=3)  # fmt: skip
    run = evaluation(one, Pretrained(tmp_path, {"name": "mine"}, ""))
    assert run.upstream.options.get("features") == features
    assert run.upstream.options["normalise"] is True
    assert run.upstream.path == str(tmp_path / "model.safetensors")
    assert (run.corpus.root, run.recipe, run.view["kind"]) == ("/data/emodb", "emodb_loso", "last")
    moved = evaluation(
        one._replace(settings=replace(one.settings, corpus_root="/other")),
        Pretrained(tmp_path, {"name": "mine"}, ""),
    )
    assert moved.corpus.root == "/other"
