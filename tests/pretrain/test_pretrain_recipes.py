"""Every recipe of pre-training composes, spells out what can be set, and says where its values come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from harness import config, parts, registry
from harness.pretrain import Plan, compose

RECIPES = parts.part_names("pretrain")
FOLD = ["fold_of=emodb_loso", "fold=speaker_03"]


def composed(name: str, *more: str) -> Plan:
    return compose(name, [*(FOLD if name == "emotion2vec_tapt" else []), *more])


@pytest.mark.parametrize("name", RECIPES)
def test_composes_and_its_objective_takes_every_setting(name: str) -> None:
    plan = composed(name)
    module = registry.load("objectives", plan.objective.name)
    config.build(module.Config, plan.objective.settings, where="objective")
    assert plan.about
    assert plan.init.path is None
    assert not plan.corpora
    assert not plan.audio


@pytest.mark.parametrize("name", RECIPES)
def test_says_its_command_first(name: str, project_root: Path) -> None:
    lines = (project_root / "recipes" / "pretrain" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[:2][0] == "# @package _global_"
    assert lines[1].startswith(f"# python -m harness pretrain recipe={name} ")


@pytest.mark.parametrize("name", registry.names("objectives"))
def test_the_yaml_of_an_objective_names_every_setting(name: str) -> None:
    """So that `--cfg job` shows all that can be set, and with it where the value comes from."""
    module = registry.load("objectives", name)
    written = parts.read_part("objective", name)
    assert written.pop("name") == name
    assert_same_keys(module.Config, written, name)


def assert_same_keys(kind: type, written: Mapping[str, Any], where: str) -> None:
    hints = get_type_hints(kind)
    assert set(written) == set(hints), where
    for key, hint in hints.items():
        inner = [one for one in (hint, *get_args(hint)) if dataclasses.is_dataclass(one)]
        if inner and isinstance(written[key], Mapping):
            assert_same_keys(inner[0], written[key], f"{where}.{key}")


@pytest.mark.parametrize("name", registry.names("objectives"))
def test_the_yaml_of_an_objective_holds_its_defaults(name: str) -> None:
    module = registry.load("objectives", name)
    written = parts.read_part("objective", name)
    written.pop("name")
    assert config.build(module.Config, written, where="objective") == module.Config()


def test_presets_differ_where_paper_and_code_differ() -> None:
    """Utterance target and its mean, block outputs, the start of the teacher, batch and length."""
    released, published = (
        composed("emotion2vec_base", f"preset={name}") for name in ("as_released", "as_published")
    )
    told = {
        "utterance_target": ("normed_mean", "raw_mean"),
        "utterance_reduction": ("sum", "mean"),
        "utterance_dropout": (True, False),
    }
    for name, pair in told.items():
        assert tuple(plan.objective.settings["loss"][name] for plan in (released, published)) == pair
    assert [p.objective.settings["loss"]["target"]["end_of_block"] for p in (released, published)] == [
        False,
        True,
    ]
    assert [p.objective.settings["teacher_init"] for p in (released, published)] == [
        "checkpoint_ema",
        "student",
    ]
    assert [p.batch.max_samples * p.batch.per_update for p in (released, published)] == [
        14_400_000,
        16_000_000,
    ]
    assert (released.optimiser.updates, published.optimiser.epochs) == (100_000, 100)


def test_as_released_is_the_default() -> None:
    assert composed("emotion2vec_base") == dataclasses.replace(
        composed("emotion2vec_base", "preset=as_released"), overrides=[]
    )


def test_released_values() -> None:
    """Those of the author's launch script that no preset touches."""
    plan = composed("emotion2vec_base")
    optimiser = plan.optimiser
    assert (optimiser.lr, optimiser.warmup_updates, optimiser.weight_decay) == (7.5e-5, 5_000, 0.01)
    assert (optimiser.betas, optimiser.eps, optimiser.clip_norm) == ((0.9, 0.98), 1e-6, 0.0)
    assert (plan.batch.shortest, plan.batch.longest) == (8_000, 320_000)
    assert (plan.guard.after_updates, plan.guard.target_std, plan.guard.prediction_std) == (5_000, 0.1, 0.01)
    assert plan.init.card == "data2vec2_base"


def test_tiny_is_small() -> None:
    plan = composed("emotion2vec_tiny")
    module = registry.load("objectives", "emotion2vec")
    settings = config.build(module.Config, plan.objective.settings, where="objective")
    parameters = module.build(settings, None, 0).card()["parameters"]
    assert 1e6 < parameters < 3e6
    assert plan.init.card is None
