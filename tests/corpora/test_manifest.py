"""The manifest: its hash is of what is heard, and it comes back from disk as it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

from harness.corpora import load_corpus, read_names
from harness.errors import CorpusError
from harness.manifest import COLUMNS, MAPPINGS, Manifest, mapping_in


def test_the_table_has_the_promised_columns(toy: Any) -> None:
    manifest = load_corpus(toy, toy.root)
    assert tuple(manifest.table.columns) == COLUMNS
    assert manifest.table["start_s"].isna().all()
    assert manifest.table["label"].tolist() == ["anger", "neutral"] * 3
    assert set(manifest.table["language"]) == {"en"}
    assert manifest.table["duration_s"].tolist() == [0.2] * 6
    assert set(manifest.table["turn"]) == {-1}


def test_the_hash_does_not_know_the_place_or_the_order(toy: Any, tmp_path: Path) -> None:
    import shutil

    before = load_corpus(toy, toy.root).content_hash()
    shutil.copytree(toy.root / "wav", tmp_path / "elsewhere" / "wav")
    toy.rows.reverse()
    assert load_corpus(toy, tmp_path / "elsewhere").content_hash() == before


@pytest.mark.parametrize("change", ["sound", "id", "border"])
def test_the_hash_knows_what_is_heard(toy: Any, change: str) -> None:
    before = load_corpus(toy, toy.root).content_hash()
    if change == "sound":
        import soundfile

        samples, _ = soundfile.read(toy.root / "wav/u0.wav", dtype="int16")
        samples[-1] ^= 1
        toy.write("u0.wav", samples)
    elif change == "id":
        toy.rows[0] = dataclasses.replace(toy.rows[0], id="other")
    else:
        toy.rows[0] = dataclasses.replace(toy.rows[0], start_s=0.05, end_s=0.1)
    assert load_corpus(toy, toy.root).content_hash() != before


def test_a_part_has_the_duration_of_the_part(toy: Any) -> None:
    toy.rows[0] = dataclasses.replace(toy.rows[0], start_s=0.05, end_s=0.21)
    row = load_corpus(toy, toy.root).table.iloc[0]
    assert row["end_s"] == 0.2  # an overshoot within the tolerance becomes the end of the file
    assert row["duration_s"] == pytest.approx(0.15, abs=1e-12)


def test_it_comes_back_from_disk_whole(toy: Any, tmp_path: Path) -> None:
    (toy.root / "wav/u3.wav").unlink()
    toy.FACTS = dataclasses.replace(toy.FACTS, labels=MappingProxyType(dict(toy.FACTS.labels)))
    manifest = load_corpus(toy, toy.root, on_fault="skip")
    manifest.save(tmp_path / "m.parquet")
    again = Manifest.load(tmp_path / "m.parquet")
    assert_frame_equal(again.table, manifest.table)
    assert (again.facts, again.root, again.faults) == (manifest.facts, manifest.root, manifest.faults)
    assert again.dropped == manifest.dropped == {"missing": 1}
    assert again.content_hash() == manifest.content_hash()
    assert [path.name for path in tmp_path.glob("*m.parquet*")] == ["m.parquet"]


def test_further_labels_values_and_votes_come_back_and_change_no_hash(toy: Any, tmp_path: Path) -> None:
    before = load_corpus(toy, toy.root).content_hash()
    said = {
        "labels": {"sentiment": "négatif"},
        "values": {"valence": 1 / 3},
        "ratings": {"A": 2.0, "b c": 0.5},
    }
    toy.rows[0] = dataclasses.replace(toy.rows[0], **said)
    for manifest in (load_corpus(toy, toy.root), read_names(toy, toy.root)):
        manifest.save(tmp_path / "m.parquet")
        table = Manifest.load(tmp_path / "m.parquet").table
        assert {name: mapping_in(table[name].iloc[0]) for name in MAPPINGS} == said
        assert [mapping_in(cell) for name in MAPPINGS for cell in table[name].iloc[1:]] == [{}] * 15
    assert load_corpus(toy, toy.root).content_hash() == before


def test_a_manifest_from_before_there_were_mappings_is_read(toy: Any, tmp_path: Path) -> None:
    manifest = load_corpus(toy, toy.root)
    old = dataclasses.replace(manifest, table=manifest.table.drop(columns=list(MAPPINGS)))
    old.save(tmp_path / "m.parquet")
    assert_frame_equal(Manifest.load(tmp_path / "m.parquet").table, manifest.table)


@pytest.mark.parametrize("content", [None, b"", b"no parquet"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "m.parquet").write_bytes(content)
    with pytest.raises(CorpusError, match="cannot be read"):
        Manifest.load(tmp_path / "m.parquet")
