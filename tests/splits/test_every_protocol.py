"""Every registered protocol meets the same tests, on its own recipe; a new one fails until it is named here."""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from harness import config, registry
from harness.contracts import Example, Fold, Splitter
from harness.splits import SELECTIONS, Folds, SplitConfig, make_folds

PUBLISHED = "a made-up paper, Table 1"
SETTINGS: dict[str, dict[str, Any]] = {
    # recipe -> what makes it fit the made-up crowd
    "leave_session_out": {},
    "leave_speaker_out": {},
    "random_10fold": {},
    "random_5fold": {},
    "speaker_5fold": {},
    "official": {"dev_share": 0.25},
    "superb_er": {},
    "speaker_share": {},
    "hold_out": {},
    "hold_out_as_published": {},
    "emobox": {},
    "emo_superb": {},
    "superb_files": {},
    "hear": {},
    "cross_corpus": {"test": "b"},
    "conversation": {},
}
IMPORTED = {"emobox", "emo_superb", "superb_files", "hear"}
ONE_FOLD = {"official", "speaker_share", "hold_out", "cross_corpus"}
SHARED = {"random_10fold", "random_5fold", "hold_out_as_published", "hear"}
FOREIGN_ORDER = {"superb_er"}
LEAVES_OUT = {"conversation"}
"""Protocols that keep examples out of a fold; they are tested in another one."""


def read(recipe: str) -> dict[str, Any]:
    folder = Path(config.__file__).parent.parent / "recipes" / "split"
    return dict(yaml.safe_load((folder / f"{recipe}.yaml").read_text(encoding="utf-8")))


def protocol(recipe: str, **changes: Any) -> tuple[ModuleType, Any]:
    values = read(recipe)
    module = registry.load("splits", values.pop("name"))
    return module, config.build(module.Config, {**values, **changes}, where=recipe)


@pytest.fixture
def examples(
    request: pytest.FixtureRequest,
    make_crowd: Callable[..., list[Example]],
    foreign_lists: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Example]:
    """The crowd, in the files of other projects where they are imported; for SUPERB's rule IEMOCAP's listing."""
    recipe = request.getfixturevalue("recipe")
    if recipe == "superb_er":
        return iemocap(request.getfixturevalue("shared"))
    crowd = make_crowd()
    if recipe == "cross_corpus":
        return [in_a_corpus(example, "a" if example.session in "123" else "b") for example in crowd]
    if recipe in IMPORTED:
        foreign_lists.WRITERS[recipe](tmp_path / recipe, crowd)
        monkeypatch.chdir(tmp_path)
    return crowd


def in_a_corpus(example: Example, corpus: str) -> Example:
    """An example as a joint manifest has it."""
    return dataclasses.replace(
        example,
        id=f"{corpus}:{example.id}",
        utterances=(f"{corpus}:{example.id}",),
        speaker=f"{corpus}:{example.speaker}",
    )


def iemocap(shared: Path) -> list[Example]:
    with gzip.open(shared / "reference" / "listings" / "iemocap.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        Example(row["utt"], (row["utt"],), row["label_4class"], row["speaker"], str(row["session"]))
        for row in rows
        if row.get("label_4class")
    ]


def parts(fold: Fold) -> tuple[tuple[str, ...], ...]:
    return fold.train, fold.dev, fold.test


def folds_of(recipe: str, examples: list[Example], select: str) -> Folds:
    return make_folds(*_arguments(recipe, examples, select))


def _arguments(recipe: str, examples: list[Example], select: str) -> tuple[Any, list[Example], Any]:
    folder = {"folder": recipe} if recipe in IMPORTED else {}
    module, settings = protocol(recipe, **SETTINGS[recipe], **folder, select=select)
    return module, examples, settings


def test_every_protocol_and_every_recipe_is_tested_here(project_root: Path) -> None:
    modules = {path.stem for path in (project_root / "harness" / "splits").glob("[!_]*.py")}
    recipes = {path.stem for path in (project_root / "recipes" / "split").glob("*.yaml")}
    assert recipes == set(SETTINGS)
    assert {read(name)["name"] for name in SETTINGS} == modules
    assert modules <= set(registry.names("splits"))


@pytest.mark.parametrize("recipe", sorted(SETTINGS))
def test_keeps_the_contract(recipe: str) -> None:
    module, settings = protocol(recipe)
    assert isinstance(module, Splitter)
    assert isinstance(settings, SplitConfig)
    assert settings.select == "dev"


@pytest.mark.parametrize("select", SELECTIONS)
@pytest.mark.parametrize("recipe", sorted(SETTINGS))
def test_parts_are_a_partition_and_tests_cover(recipe: str, select: str, examples: list[Example]) -> None:
    result = folds_of(recipe, examples, select)
    everything = Counter(example.id for example in examples)
    for fold in result.folds:
        used = Counter(i for part in parts(fold) for i in part)
        assert used <= everything if recipe in LEAVES_OUT else used == everything
        assert bool(fold.dev) == (select == "dev")
    if recipe not in ONE_FOLD:
        assert Counter(i for fold in result.folds for i in fold.test) == everything
    assert result.saw_test == (select == "test")


@pytest.mark.parametrize("recipe", sorted(SETTINGS))
def test_test_parts_do_not_depend_on_what_selects(recipe: str, examples: list[Example]) -> None:
    tests = {tuple(fold.test for fold in folds_of(recipe, examples, s).folds) for s in SELECTIONS}
    assert len(tests) == 1


@pytest.mark.parametrize("recipe", sorted(SETTINGS))
def test_no_speaker_on_both_sides_unless_published(recipe: str, examples: list[Example]) -> None:
    result = folds_of(recipe, examples, "dev")
    who = {example.id: example.speaker for example in examples}
    leaks = set()
    for fold in result.folds:
        leaks |= {who[i] for i in fold.test} & {who[i] for i in fold.train + fold.dev}
    assert set(result.shared_speakers) == leaks
    assert bool(leaks) == bool(result.shares_speakers_as) == (recipe in SHARED)


@pytest.mark.parametrize("recipe", sorted(SETTINGS))
def test_same_examples_same_folds(recipe: str, examples: list[Example]) -> None:
    first, second = (folds_of(recipe, examples, "dev") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("recipe", sorted(SETTINGS))
def test_membership_and_fingerprint_do_not_depend_on_the_order_of_examples(
    recipe: str, examples: list[Example]
) -> None:
    shuffled = random.Random(7).sample(examples, len(examples))
    ordered, mixed = folds_of(recipe, examples, "dev"), folds_of(recipe, shuffled, "dev")
    assert mixed.fingerprint == ordered.fingerprint
    for one, other in zip(ordered.folds, mixed.folds, strict=True):
        assert [set(part) for part in parts(one)] == [set(part) for part in parts(other)]


@pytest.mark.parametrize("recipe", sorted(set(SETTINGS) - FOREIGN_ORDER))
def test_parts_keep_the_order_of_the_examples(recipe: str, examples: list[Example]) -> None:
    place = {example.id: position for position, example in enumerate(examples)}
    for fold in folds_of(recipe, examples, "dev").folds:
        for part in parts(fold):
            assert [place[i] for i in part] == sorted(place[i] for i in part)


@pytest.mark.parametrize("recipe", sorted(SETTINGS))
def test_fingerprint_tells_selection_and_targets_apart(recipe: str, examples: list[Example]) -> None:
    prints = [folds_of(recipe, examples, select).fingerprint for select in SELECTIONS]
    swap = {examples[0].target: examples[1].target}
    first = dataclasses.replace(examples[0], target=next(e.target for e in examples if e.target not in swap))
    prints.append(folds_of(recipe, [first, *examples[1:]], "dev").fingerprint)
    assert len(set(prints)) == 4
    assert all(text.startswith("folds-v1:") and len(text) == 9 + 64 for text in prints)


PINNED = {
    "leave_session_out": "195b1e60a8afd6f3c3010c193c681e25fc2ace41d3d81030216716a9b0f79390",
    "leave_speaker_out": "99ea1237a73d491cb93df440018885365fe8acc345e9bb9969d7f373708a9545",
    "official": "543b3cbeae418da3cb11ba4058eec403851a54087a51751fe7d43883420cac53",
    "random_10fold": "f73374628e83bf7403784de5d080c6011ca6dc9a2e3a4952a061654baa5aafae",
}


@pytest.mark.parametrize("recipe", sorted(PINNED))
def test_draws_are_the_same_on_every_machine(recipe: str, examples: list[Example]) -> None:
    """A change here changes published numbers: raise the recipes' `version` and say so in the changelog."""
    assert folds_of(recipe, examples, "dev").fingerprint == f"folds-v1:{PINNED[recipe]}"
