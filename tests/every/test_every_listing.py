"""The same promises over every corpus: what its listing says row for row, whole facts, roots that help."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness import registry
from harness.contracts import Corpus, CorpusFacts, Utterance
from harness.corpora import load_corpus
from harness.corpora._faults import count_faults
from harness.corpora._index import FOLDER
from harness.corpora._load import canonical_label
from harness.errors import CorpusError

Row = Mapping[str, Any]
LISTINGS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "listings"
ALL = registry.names("corpora")
LISTED = [name for name in ALL if (LISTINGS / f"{name}.jsonl.gz").is_file()]
INDEXED = {path.stem for path in FOLDER.glob("*.tsv")}
"""Corpora whose every file is known by its samples: tiny sound is no copy of them."""

FIELDS = {
    "utt": "id",
    "speaker": "speaker",
    "gender": "gender",
    "label_raw": "label_raw",
    "session": "session",
}
FIELDS |= {"dialogue": "dialogue", "sentence": "sentence", "language": "language"}
"""Column of a listing -> field of an utterance; null in the listing is empty in the field."""

SPLITS = {"val": "dev", "validation": "dev", "development": "dev"}
CANONICAL = """
    anger disgust fear happiness sadness surprise neutral calm boredom contempt excitement frustration amusement
    sleepiness enthusiasm sarcasm anxiety worry concern apology assertiveness encouragement pleasure pain
    disappointment poker breath other undecided unknown positive negative
"""
TAXONOMY = frozenset(CANONICAL.split())


def rows_of(name: str) -> list[dict[str, Any]]:
    with gzip.open(LISTINGS / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder that is gone after the test: tens of thousands of names are not kept for three runs."""
    folder = tmp_path / "corpus"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def wanted(row: Row, columns: set[str]) -> dict[str, Any]:
    """What a listing says of a row, in the words of an utterance."""
    said = {field: str(row.get(name) or "") for name, field in FIELDS.items() if name in columns}
    if row.get("sentence") is None:
        said.pop("sentence", None)
    if "label_raw" in columns and row["label_raw"] is not None:
        said["label_raw"] = str(row["label_raw"])
    if "turn" in columns:
        said["turn"] = row["turn"]
    if "split" in columns:
        part = str(row["split"]).lower()
        said["split"] = SPLITS.get(part, part)
    if "text" in columns:
        said["text"] = row["text"] or ""
    times = {f"{name}_s": pytest.approx(row[name], abs=1e-6) for name in ("start", "end") if name in columns}
    return said | times | {"path": normal(row["path"]), "label": row.get("label") or ""}


def got(one: Utterance, facts: CorpusFacts, fields: Mapping[str, Any]) -> dict[str, Any]:
    own = {"path": normal(one.path), "label": canonical_label(one, facts)}
    return {field: own.get(field, getattr(one, field)) for field in fields}


def normal(path: str) -> str:
    return unicodedata.normalize("NFC", path)


@pytest.mark.parametrize("name", LISTED)
def test_every_row_of_the_listing_and_no_other(name: str, listing_trees: ModuleType, root: Path) -> None:
    """The true names laid out; every column that the listing has is held row for row."""
    module, rows = registry.load("corpora", name), rows_of(name)
    listing_trees.lay_out(name, rows, root)
    rows = listing_trees.expected(name, rows)
    found = list(module.read(root))
    twice = [one for one, count in Counter(utterance.id for utterance in found).items() if count > 1]
    assert twice == []
    by_id = {utterance.id: utterance for utterance in found}
    listed = {row["utt"] for row in rows}
    assert sorted(listed - set(by_id))[:5] == []
    assert sorted(set(by_id) - listed)[:5] == []
    columns = {column for row in rows for column in row}
    pairs = [(wanted(row, columns), by_id[row["utt"]]) for row in rows]
    wrong = [(w, g) for w, one in pairs if (g := got(one, module.FACTS, w)) != w]
    assert not wrong, f"{len(wrong)} rows differ, the first: wanted {wrong[0][0]}, got {wrong[0][1]}"
    stopping = [str(fault) for fault in count_faults(module.FACTS, found) if not fault.kind.warns_only]
    assert stopping == []


@pytest.mark.parametrize("name", ALL)
def test_the_facts_are_whole(name: str) -> None:
    module: Any = registry.load("corpora", name)
    facts = module.FACTS
    assert facts.name == name
    assert module.LAYOUT
    assert isinstance(module, Corpus)
    assert all((facts.title, facts.citation, facts.licence, facts.access))
    assert facts.languages
    assert all(len(code) in {2, 3} and code.islower() for code in facts.languages), "ISO 639 codes"
    assert set(facts.labels.values()) <= TAXONOMY
    assert facts.utterances > 0
    assert facts.sample_rate_hz >= 8000
    assert facts.doi.startswith("10.") or "no doi" in facts.note.lower() or facts.synthetic
    for download in facts.downloads:
        assert download.url.startswith(("https://", "http://"))
        assert not download.checksum or download.checksum.partition(":")[0] in {"sha256", "md5", "sha1"}


def test_no_listing_is_without_a_corpus(shared: Path) -> None:
    """A corpus without a module would escape every test here."""
    listed = {path.name.partition(".")[0] for path in (shared / "reference" / "listings").glob("*.jsonl.gz")}
    assert listed <= set(ALL)


def test_the_taxonomy_is_the_fields(shared: Path) -> None:
    text = json.loads((shared / "reference" / "corpora.json").read_text(encoding="utf-8"))["taxonomy"]
    assert {name for name in TAXONOMY if f'"{name}"' not in json.dumps(text)} == set()


@pytest.mark.parametrize("name", ALL)
def test_another_folder_is_refused_with_what_lies_there(name: str, tmp_path: Path) -> None:
    module: Any = registry.load("corpora", name)
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(CorpusError) as fault:
        list(module.read(tmp_path))
    assert "holiday.jpg" in str(fault.value.got)
    assert fault.value.wanted
    assert fault.value.next_step
    with pytest.raises(CorpusError, match="does not exist"):
        list(module.read(tmp_path / "nowhere"))


def some_of(rows: list[dict[str, Any]], parts: int = 60) -> list[dict[str, Any]]:
    """Rows from all over a listing."""
    return rows[:: max(1, len(rows) // parts)]


def answer(read: Callable[[Path], Iterator[Utterance]], folder: Path) -> list[str] | str:
    """The ids that are read, or where the message says that the root is."""
    try:
        return [utterance.id for utterance in read(folder)]
    except CorpusError as fault:
        return str(fault.next_step)


@pytest.mark.parametrize("name", LISTED)
def test_a_root_one_level_too_high_is_read_or_answered_with_the_right_one(
    name: str, listing_trees: ModuleType, tmp_path: Path
) -> None:
    module: Any = registry.load("corpora", name)
    folder = listing_trees.lay_out(name, some_of(rows_of(name)), tmp_path / "above" / "corpus")
    right, above = answer(module.read, folder), answer(module.read, tmp_path / "above")
    assert above == right or f"corpus.root={folder} ?" in above


@pytest.mark.parametrize("name", LISTED)
def test_a_root_one_level_too_low_is_answered_with_one_that_is_right(
    name: str, listing_trees: ModuleType, tmp_path: Path
) -> None:
    """The folder that the first file of the listing lies in; following the answer gives the corpus."""
    module: Any = registry.load("corpora", name)
    rows = some_of(rows_of(name))
    folder = listing_trees.lay_out(name, rows, tmp_path / "corpus")
    below = folder / rows[0]["path"].split("/")[0]
    if not below.is_dir():
        pytest.skip("its files lie directly in the root")
    right, low = answer(module.read, folder), answer(module.read, below)
    if isinstance(low, str):
        advice = re.search(r"did you mean corpus\.root=(.+) \?", low)
        assert advice, low
        low = answer(module.read, Path(advice[1]))
    assert low == right


@pytest.mark.parametrize("name", [name for name in LISTED if name not in INDEXED])
def test_a_few_clips_are_loaded_end_to_end(name: str, listing_trees: ModuleType, tmp_path: Path) -> None:
    """Tiny sound at a few true names: what lies there comes through measuring and judging into the table."""
    module: Any = registry.load("corpora", name)
    rows = some_of([row for row in rows_of(name) if row["path"].lower().endswith((".wav", ".flac"))], 12)
    if not rows:
        pytest.skip("no sound of this corpus is in a container that is written here")
    if len({row["path"] for row in rows}) < len(rows):
        pytest.skip("its utterances are cut from long recordings")
    sound = listing_trees.tiny_sound(tmp_path / "tiny.wav", module.FACTS, seconds=0.5)
    folder = listing_trees.lay_out(name, rows, tmp_path / "corpus", sound)
    listed = {row["utt"]: row for row in rows}
    table = load_corpus(module, folder, on_fault="repair").table
    assert set(table["id"]) <= set(listed)
    assert len(table) > 0
    assert set(table["language"]) - {""}
    for one in table.to_dict("records"):
        assert one["label"] == (listed[one["id"]].get("label") or "")
        assert one["sample_rate_hz"] == module.FACTS.sample_rate_hz
