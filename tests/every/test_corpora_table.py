"""The table of corpora says what the modules say, and what is read from the listings."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness import registry

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "results" / "CORPORA.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The program that writes the page."""
    path = ROOT / "tests" / "corpora" / "corpora_table.py"
    spec = importlib.util.spec_from_file_location("corpora_table", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


MADE = {"synthetic", "synthetic_conversation"}
"""Corpora that the program makes itself."""


@pytest.mark.parametrize("name", [name for name in registry.names("corpora") if name not in MADE])
def test_every_corpus_is_in_the_table_with_its_facts(name: str) -> None:
    module: Any = registry.load("corpora", name)
    facts = module.FACTS
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` ")]
    cells = [cell.strip() for cell in line.strip("|").split(" | ")]
    assert cells[:4] == [f"`{name}` {facts.title}", ", ".join(facts.languages), facts.licence, facts.access]
    assert cells[4].startswith(f"{facts.utterances} / ")


def test_only_a_listing_that_is_not_whole_gives_fewer_rows() -> None:
    """Every row that is read has the listing's label; M3ED's and MSP-Podcast's listings lack rows."""
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
    counts = {cells[0].split("`")[1]: [int(count) for count in cells[4].split(" / ")] for cells in rows}
    assert all(read == equal for _, read, equal in counts.values())
    assert {name for name, (wanted, read, _) in counts.items() if read != wanted} == {"m3ed", "msppodcast"}


@pytest.mark.parametrize("name", ["casia", "polish", "savee"])
def test_lines_are_what_is_read_and_graded(name: str, maker: ModuleType, shared: Path) -> None:
    """The rest takes minutes; `python tests/corpora/corpora_table.py` writes them all."""
    assert shared.is_dir()
    assert maker.made_alone(name).text() in PAGE.splitlines()
