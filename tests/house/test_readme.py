"""The README holds the numbers of the records, its commands exist, nothing of a machine is in the project."""

from __future__ import annotations

import csv
import re
import subprocess
from pathlib import Path

import pytest

from harness import parts, record
from harness.cli import VERBS

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (\w+) \| (\w+) \| ([\d.]+) / ([\d.]+) / ([\d.]+) \| ([\d.]+) / ([\d.]+) / ([\d.]+) \|", re.M
)


def test_result_table_holds_the_recorded_numbers() -> None:
    """One row per corpus and upstream: WA / UA / WF1 under leave-one-speaker-out, then under random 10-fold."""
    table = README.split("results:begin")[1].split("results:end")[0]
    rows = ROW.findall(table)
    assert len(rows) >= 10
    known = {
        (r.recipe, r.upstream["name"]): r
        for r in record.load_all(ROOT / "results")
        if r.head["name"] == "lda" and r.protocol["select"] == "dev"
    }
    for corpus, upstream, *printed in rows:
        for protocol, figures in (("loso", printed[:3]), ("10fold", printed[3:])):
            metrics = known[f"{corpus}_{protocol}", upstream].scores["metrics"]
            assert [f"{100 * metrics[name]['fold_mean']:.1f}" for name in ("wa", "ua", "wf1")] == figures


@pytest.mark.parametrize(("column", "corpus"), [(0, "emodb"), (1, "urdu")])
def test_table_of_protocols_holds_the_translations(column: int, corpus: str) -> None:
    """One row per protocol: WA on either corpus."""
    path = ROOT / "results" / "translations" / f"{corpus}--egemaps.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        known = {name: row for row in csv.DictReader(lines) for name in row["protocol"].split(", ")}
    table = README.split("| eGeMAPS, LDA, ours |")[1].split("\n\n")[0]
    printed = dict(re.findall(r"^\| (leave|EmoBox|random).*?\|((?: [\d.]+ \|){2})$", table, re.MULTILINE))
    recipes = {"leave": f"{corpus}_loso", "EmoBox": "emobox", "random": f"{corpus}_10fold"}
    for word, recipe in recipes.items():
        assert printed[word].split("|")[column].strip() == f"{float(known[recipe]['WA']):.1f}"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "results/MEASURED.md"])
def test_commands_name_what_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for verb in re.findall(r"python -m harness (\w+)", text):
        assert verb in VERBS
    if name != "CONTRIBUTING.md":
        known = {
            *parts.recipe_names(),
            *_below("pretrain"),
            *(f"ablation/{name}" for name in _below("ablation")),
        }
        for recipe in re.findall(r"recipe=([\w,/]+)", text):
            assert set(recipe.split(",")) <= known


def _below(folder: str) -> set[str]:
    return {path.stem for path in (parts.RECIPES / folder).glob("*.yaml")}


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile


def test_no_path_of_a_machine_is_in_the_project() -> None:
    """Records and documents name contents, not places."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the git checkout, to know which files belong to the project")
    place = f"{ROOT}/"
    command = ["git", "-C", str(ROOT), "grep", "-nIF", "-e", place, "--", "."]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert not found
