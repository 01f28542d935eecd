"""A damaged shard is noticed wherever the damage lies, and that shard alone is made again."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import StoreError
from harness.extract import extract
from harness.store import Store

FILES = ["index.json", "means.npy", "stds.npy", "frames_001.npy", "frames_003.npy"]
UTTERANCES = 150
LAYERS = (1, 3)


@pytest.fixture(scope="module")
def whole(uninterrupted: Path) -> Path:
    """A root with a sound store of three shards."""
    assert len(shards(uninterrupted)) == 3
    return uninterrupted


def shards(root: Path) -> list[Path]:
    return sorted(root.glob("*/shards/*"))


def damaged_copy(whole: Path, root: Path) -> Path:
    shutil.copytree(whole, root)
    return shards(root)[1]


def everything(toy: ModuleType, corpus: Path, root: Path) -> list[np.ndarray]:
    store, ids = Store(root, toy.key()), [source.id for source in toy.sources(corpus)]
    return [store.means(ids), store.stds(ids), *(store.frames(ids, layer).values for layer in LAYERS)]


def flip(path: Path, share: float, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[int(share * (len(data) - 1))] ^= 1 << bit
    path.write_bytes(data)


def check_mended(toy: ModuleType, corpus: Path, whole: Path, root: Path, hurt: Path) -> None:
    """One shard's utterances are missing, one shard is extracted, and every bit is as before."""
    store, sources = Store(root, toy.key()), toy.sources(corpus)
    untouched = {path: path.stat().st_mtime_ns for path in root.glob("*/shards/*/*") if path.parent != hurt}
    missing = store.missing([source.id for source in sources], LAYERS)
    intact = Store(whole, toy.key())._catalogue.shards[hurt.name]
    assert sorted(missing) == sorted(intact.ids)
    report = extract(toy.Toy(), sources, store, frame_layers=LAYERS, batch_seconds=5.0)
    assert (report.utterances, report.shards) == (len(missing), 1)
    assert {path: path.stat().st_mtime_ns for path in untouched} == untouched
    assert Store(root, toy.key()).verify() == []
    assert len(shards(root)) == 3
    for got, wanted in zip(everything(toy, corpus, root), everything(toy, corpus, whole), strict=True):
        np.testing.assert_array_equal(got, wanted)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(FILES), share=st.floats(0, 1), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere(
    toy: ModuleType, corpus: Path, whole: Path, tmp_path: Path, *, file: str, share: float, bit: int
) -> None:
    root = tmp_path / "root"
    shutil.rmtree(root, ignore_errors=True)
    hurt = damaged_copy(whole, root)
    flip(hurt / file, share, bit)
    with pytest.raises(StoreError):
        everything(toy, corpus, root)
    check_mended(toy, corpus, whole, root, hurt)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kind", ["cut", "empty", "gone", "longer"])
def test_a_file_cut_short_lost_or_longer(
    toy: ModuleType, corpus: Path, whole: Path, tmp_path: Path, *, file: str, kind: str
) -> None:
    hurt = damaged_copy(whole, tmp_path / "root")
    path = hurt / file
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-1], "empty": b"", "gone": b"", "longer": data + b"\0"}[kind])
    if kind == "gone":
        path.unlink()
    check_mended(toy, corpus, whole, tmp_path / "root", hurt)


def test_a_shard_of_another_store_is_not_believed(
    toy: ModuleType, corpus: Path, whole: Path, tmp_path: Path
) -> None:
    other = Store(tmp_path, toy.key(code_version="2"))
    (other.path / "shards").mkdir(parents=True)
    shutil.copytree(shards(whole)[0], other.path / "shards" / shards(whole)[0].name)
    other.refresh()
    ids = [source.id for source in toy.sources(corpus)]
    assert other.missing(ids) == ids


def test_the_message_names_file_and_cure(toy: ModuleType, corpus: Path, whole: Path, tmp_path: Path) -> None:
    hurt = damaged_copy(whole, tmp_path / "root")
    flip(hurt / "means.npy", 0.5, 0)
    with pytest.raises(StoreError, match=rf"{hurt.name}/means.npy[\s\S]*got: checksum[\s\S]*run the same"):
        everything(toy, corpus, tmp_path / "root")


def test_damage_that_happens_while_the_store_is_open(
    toy: ModuleType, corpus: Path, whole: Path, tmp_path: Path
) -> None:
    hurt = damaged_copy(whole, tmp_path / "root")
    store = Store(tmp_path / "root", toy.key())
    ids = [source.id for source in toy.sources(corpus)]
    assert store.missing(ids, LAYERS) == []
    flip(hurt / "frames_003.npy", 0.9, 3)
    assert store.verify() == [hurt.name]
    assert len(store.missing(ids)) == len(Store(whole, toy.key())._catalogue.shards[hurt.name].ids)


def test_a_sound_shard_that_another_writer_put_back_is_kept(
    toy: ModuleType, corpus: Path, whole: Path, tmp_path: Path
) -> None:
    hurt = damaged_copy(whole, tmp_path / "root")
    flip(hurt / "stds.npy", 0.2, 1)
    late = Store(tmp_path / "root", toy.key())
    ids = [source.id for source in toy.sources(corpus)]
    assert late.missing(ids)
    toy.run(corpus, tmp_path / "root", layers=LAYERS)
    before = (hurt / "index.json").stat().st_ino
    late.prepare()
    assert late.missing(ids, LAYERS) == []
    assert (hurt / "index.json").stat().st_ino == before
