"""The root: missing, wrong, or a level off; and what every corpus module promises."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from harness.contracts import Corpus, CorpusFacts
from harness.corpora import corpus_root, emodb, iemocap, load_corpus, synthetic, urdu
from harness.errors import CorpusError

ALL = pytest.mark.parametrize(
    "module", [emodb, iemocap, synthetic, urdu], ids=lambda module: module.FACTS.name
)
OWNED = pytest.mark.parametrize("module", [emodb, iemocap, urdu], ids=lambda module: module.FACTS.name)


@ALL
def test_a_module_keeps_the_contract(module: Any, project_root: Path) -> None:
    assert isinstance(module, Corpus)
    facts = module.FACTS
    assert isinstance(facts, CorpusFacts)
    assert facts.name == module.__name__.rpartition(".")[2]
    assert all((facts.title, facts.licence, facts.access, facts.citation, facts.languages, facts.labels))
    part = yaml.safe_load((project_root / f"recipes/corpus/{facts.name}.yaml").read_text(encoding="utf-8"))
    assert part == {"name": facts.name, "root": None, "on_fault": "stop"}


@OWNED
def test_no_root_says_how_to_get_the_corpus(module: ModuleType) -> None:
    with pytest.raises(CorpusError) as fault:
        load_corpus(module, None)
    assert module.FACTS.access in str(fault.value.next_step)
    assert module.FACTS.licence in str(fault.value.next_step)


@ALL
def test_a_root_that_is_not_there(module: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place, got in (("nowhere", "does not exist"), ("file", "is a file")):
        for opened in (lambda root: load_corpus(module, root), module.read):
            with pytest.raises(CorpusError) as fault:
                opened(tmp_path / place)
            assert got in str(fault.value.got)


@ALL
def test_another_folder_is_refused_with_its_first_entries(module: ModuleType, tmp_path: Path) -> None:
    for name in ("wav", "clips", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "wav/1001_DFA_ANG_XX.wav").touch()
    (tmp_path / "train.csv").touch()
    with pytest.raises(CorpusError) as fault:
        load_corpus(module, tmp_path)
    assert str(fault.value.got).endswith("holds clips/, train.csv, wav/")
    assert fault.value.wanted == module.LAYOUT
    assert module.FACTS.access in str(fault.value.next_step)


@OWNED
def test_an_empty_folder_is_refused(module: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds nothing"):
        load_corpus(module, tmp_path)


@pytest.mark.parametrize(
    ("module", "clip", "given"),
    [
        (emodb, "wav/03a01Wa.wav", "."),
        (emodb, "wav/03a01Wa.wav", "EmoDB/wav"),
        (urdu, "Angry/SM1_F10_A010.wav", "."),
        (urdu, "Angry/SM1_F10_A010.wav", "EmoDB/Angry"),
        (emodb, "deeper/wav/03a01Wa.wav", "."),
    ],
)
def test_a_level_off_is_answered_with_the_root(
    tmp_path: Path, module: ModuleType, clip: str, given: str
) -> None:
    path = tmp_path / "EmoDB" / clip
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(CorpusError) as fault:
        load_corpus(module, tmp_path / given)
    assert f"did you mean corpus.root={path.parent.parent} ?" in str(fault.value.next_step)


def test_one_corpus_is_not_another(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    (tmp_path / "wav/03a01Wa.wav").touch()
    for module in (iemocap, urdu, synthetic):
        with pytest.raises(CorpusError, match="is not the root of"):
            load_corpus(module, tmp_path)


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "emodb").mkdir()
    assert corpus_root(emodb, "~/emodb") == tmp_path / "emodb"
