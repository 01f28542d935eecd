"""Emotion prediction in conversation from the owners' layouts to the record: true names, made-up sound."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

Call = Callable[..., tuple[int, str, str]]
Rows = list[dict[str, Any]]
QUICK = [
    "upstream=fbank",
    "head.hidden_dim=8",
    "head.epochs=2",
    "corpus.on_fault=skip",
    "resamples=20",
    "text.dim=16",
    "text.options.max_tokens=32",
]


def some_dialogues(rows: Rows, group: Callable[[dict[str, Any]], str], count: int) -> Rows:
    """The first dialogues of every group that hold eight utterances or more."""
    sizes: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        sizes.setdefault(row["dialogue"], []).append(row)
    chosen: dict[str, Rows] = {}
    for said in sizes.values():
        if len(said) >= 8 and len(chosen.setdefault(group(said[0]), [])) < count:
            chosen[group(said[0])].append(said)  # type: ignore[arg-type]
    return [row for dialogues in chosen.values() for said in dialogues for row in said]  # type: ignore[misc]


def sounds(root: Path, paths: Sequence[str]) -> None:
    for number, path in enumerate(paths):
        wave = np.random.default_rng(number).integers(-2000, 2000, 2400, dtype=np.int16)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / path, wave, 16_000, subtype="PCM_16")


@pytest.fixture(scope="module")
def trees(
    listing: Callable[[str], Rows],
    listing_trees: ModuleType,
    iemocap_tree: ModuleType,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], tuple[Path, Rows]]:
    """A few dialogues of a corpus in its owners' layout, and their rows."""
    made: dict[str, tuple[Path, Rows]] = {}

    def iemocap(root: Path) -> Rows:
        rows = some_dialogues(listing("iemocap"), lambda row: f"{row['dialogue'][:6]}", 3)
        iemocap_tree.build_iemocap_tree(root, rows, seconds=0.15)
        return rows

    def meld(root: Path) -> Rows:
        rows = some_dialogues(listing("meld"), lambda row: row["split"], 15)
        listing_trees.annotator("meld").annotate(rows, root)
        sounds(root, [str(Path(row["path"]).with_suffix(".wav")) for row in rows])
        return rows

    def m3ed(root: Path) -> Rows:
        rows = some_dialogues(listing("m3ed"), lambda row: row["split"], 15)
        listing_trees.annotator("m3ed").annotate(rows, root)
        sounds(root, [row["path"] for row in rows])
        return rows

    def lay_out(name: str) -> tuple[Path, Rows]:
        if name not in made:
            root = tmp_path_factory.mktemp(name)
            made[name] = (root, {"iemocap": iemocap, "meld": meld, "m3ed": m3ed}[name](root))
        return made[name]

    return lay_out


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from upstreams import _torchaudio_shim

    _torchaudio_shim.install()
    path = Path(__file__).parent.parent / "upstreams" / "tiny_bert.py"
    spec = importlib.util.spec_from_file_location("tiny_bert_of_runs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    words = ["Text of invented it said 0 1 2 3 4 5 6 7 8 9 F M script impro", *"虚构的一句"]
    return Path(module.write_tiny_bert(tmp_path_factory.mktemp("tiny") / "bert", words))


@pytest.fixture
def epc(harness: Call, results: Path, trees: Any, bert: Path) -> Callable[..., dict[str, Any]]:
    def run(recipe: str, corpus: str, *words: str) -> dict[str, Any]:
        root, _ = trees(corpus)
        code, out, err = harness(
            "run", f"recipe={recipe}", f"corpus.root={root}", f"text.path={bert}", *QUICK, *words
        )
        assert code == 0, err
        (path,) = (results / "records").glob("*.json")
        return {"out": out, **json.loads(path.read_text())}

    return run


def test_iemocap_without_a_leak(epc: Callable[..., dict[str, Any]]) -> None:
    record = epc("iemocap_epc", "iemocap")
    folds = record["protocol"]["folds"]
    assert [fold["name"] for fold in folds] == [
        f"speaker_Ses0{n}_{letter}" for n in range(1, 6) for letter in "FM"
    ]
    assert not record["protocol"]["shared_dialogues"]
    assert all(fold["speakers"]["train"] == 8 for fold in folds)
    assert list(record["scores"]["metrics"])[:2] == ["ua", "macro_f1"]
    assert record["upstream"]["name"] == "fbank"
    assert not any("dialogues are on both sides" in note for note in record["notes"])
    tested = sum(fold["examples"]["test"] for fold in folds)
    assert tested == record["task"]["examples"]
    assert tested + sum(record["task"]["dropped"].values()) == record["corpus"]["utterances"]


def test_iemocap_as_published_says_what_it_shares(epc: Callable[..., dict[str, Any]]) -> None:
    record = epc("iemocap_epc_as_published", "iemocap", "modality=speech+text", "head=epc_shi2020")
    assert record["protocol"]["shared_dialogues"]
    assert all(fold["shared_dialogues"]["train/test"] for fold in record["protocol"]["folds"])
    assert not any(fold["shared_speakers"]["train/test"] for fold in record["protocol"]["folds"])
    (note,) = [note for note in record["notes"] if "dialogues are on both sides" in note]
    assert "Table 6" in note
    assert note in record["out"]
    assert record["upstream"]["name"] == "fbank+bert_base_uncased"
    assert [one["name"] for one in record["upstream"]["inputs"]] == ["fbank", "bert_base_uncased"]


@pytest.mark.parametrize("head", ["epc_shi2023", "epc_gru"])
def test_meld_with_its_lists_and_texts(epc: Callable[..., dict[str, Any]], trees: Any, head: str) -> None:
    record = epc("meld_epc", "meld", "modality=text", f"head={head}")
    _, rows = trees("meld")
    (fold,) = record["protocol"]["folds"]
    assert record["corpus"]["utterances"] == len(rows)
    assert fold["examples"]["train"] > 50
    assert not record["protocol"]["shared_dialogues"]
    assert record["protocol"]["shared_speakers"]
    assert record["upstream"]["name"] == "bert_base_uncased"


def test_m3ed_with_its_lists_and_chinese_texts(epc: Callable[..., dict[str, Any]]) -> None:
    record = epc("m3ed_epc", "m3ed", "modality=speech+text", "task.turns=3")
    (fold,) = record["protocol"]["folds"]
    assert fold["examples"]["test"] > 20
    assert not record["protocol"]["shared_speakers"]
    assert record["upstream"]["name"] == "fbank+bert_base_chinese"
    assert any("texts by bert_base_chinese" in note for note in record["notes"])


def test_a_second_run_trains_nothing(
    epc: Callable[..., dict[str, Any]], harness: Call, trees: Any, bert: Path
) -> None:
    epc("meld_epc", "meld", "modality=text")
    root, _ = trees("meld")
    words = ["run", "recipe=meld_epc", f"corpus.root={root}", f"text.path={bert}", *QUICK, "modality=text"]
    code, _, err = harness(*words)
    assert code == 0
    assert "recorded already" in err
    code, _, err = harness("extract", *words[1:], "head=epc_gru")
    assert code == 0, err
