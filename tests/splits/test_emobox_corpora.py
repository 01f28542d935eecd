"""EmoBox's folds meet the corpora as their modules read them: every file is found, and who is on both sides."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from harness import config, registry, study
from harness.contracts import Corpus
from harness.corpora import read_names
from harness.splits import Folds, make_folds

SHARED_SPEAKERS = {
    # counted by others on the published files; eNTERFACE's 44th is subject 12, whom EmoBox's keys lose
    "aesdd": 6,
    "ased": 63,
    "cafe": 0,
    "casia": 0,
    "cremad": 91,
    "emodb": 10,
    "emovdb": 4,
    "emovo": 0,
    "enterface": 43,
    "jlcorpus": 0,
    "oreau": 29,
    "polish": 0,
    "ravdess_speech": 0,
    "savee": 0,
    "shemo": 83,
    "tess": 2,
    "turevdb": 6,
    "urdu": 18,
}
NOT_LISTED = {"aesdd": 1, "emovdb": 6, "enterface": 30, "shemo": 162}
"""corpus -> files of the corpus that EmoBox leaves out."""


@pytest.fixture(scope="module")
def trees() -> ModuleType:
    path = Path(__file__).parent.parent / "corpora" / "listing_trees.py"
    spec = importlib.util.spec_from_file_location("listing_trees_of_splits", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_folds(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """EmoBox's files for these rows, each fold's own test rows and all others as train."""
    for number in sorted({row["emobox_test_fold"] for row in rows if row.get("emobox_test_fold")}):
        fold = folder / f"fold_{number}"
        fold.mkdir(parents=True)
        for part in ("train", "test"):
            listed = {
                row["emobox_key"]: {
                    "wav": f"downloads/{name}/{row['path']}",
                    "emo": row["label_raw"],
                    "dataset": name,
                }
                for row in rows
                if (row.get("emobox_test_fold") == number) == (part == "test")
            }
            (fold / f"{name}_{part}_fold_{number}.json").write_text(json.dumps(listed), encoding="utf-8")
    return folder


def folds_of(name: str, root: Path, folder: Path) -> tuple[Folds, int]:
    recipe = config.compose("emobox", [f"corpus={name}", f"split.folder={folder}"])
    task, split = study.plugin("tasks", recipe.task), study.plugin("splits", recipe.split)
    table = read_names(cast(Corpus, registry.load("corpora", name)), root).table
    examples = task.module.examples(table, task.settings).examples
    return make_folds(cast(Any, split.module), examples, split.settings), len(examples)


@pytest.mark.parametrize("name", sorted(SHARED_SPEAKERS))
def test_every_listed_file_is_found_and_speakers_are_shared_as_known(
    name: str, trees: ModuleType, listing: Callable[[str], list[dict[str, Any]]], tmp_path: Path
) -> None:
    rows = listing(name)
    listed = [row for row in rows if row.get("emobox_key")]
    root = trees.lay_out(name, rows, tmp_path / "corpus")
    folder = write_folds(tmp_path / "emobox", name.removesuffix("_speech"), listed)
    result, examples = folds_of(name, root, folder)
    used = {i for fold in result.folds for i in fold.train + fold.dev + fold.test}
    assert len(used) == len(listed)
    assert examples - len(used) == NOT_LISTED.get(name, 0)
    assert len(result.shared_speakers) == SHARED_SPEAKERS[name]
    assert bool(result.shares_speakers_as) == bool(SHARED_SPEAKERS[name])
    assert not [line for line in result.warnings if "label" in line]
