"""A store at an address that fsspec knows: what a folder promises, on files that lie elsewhere. In memory here."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import fsspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import StoreError
from harness.extract import extract
from harness.store import Store, open_store
from harness.store.mirror import Remote
from harness.store.shard import INDEX

FILES = ["index.json", "means.npy", "stds.npy", "frames_001.npy"]
UTTERANCES = 150
LAYERS = (1,)


@pytest.fixture(scope="module")
def ids(toy: ModuleType, corpus: Path) -> list[str]:
    return [source.id for source in toy.sources(corpus)]


@pytest.fixture(scope="module")
def whole(toy: ModuleType, uninterrupted: Path) -> Store:
    """The same features in a folder."""
    return Store(uninterrupted, toy.key())


@pytest.fixture
def address() -> Iterator[str]:
    name = uuid.uuid4().hex
    yield f"memory://{name}/below"
    fs = fsspec.filesystem("memory")
    if fs.exists(f"/{name}"):
        fs.rm(f"/{name}", recursive=True)


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_machine(tmp_path / "first", monkeypatch)


def new_machine(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOHARNESS_CACHE", str(cache))


def uploaded(address: str, whole: Store) -> fsspec.AbstractFileSystem:
    """The store of the folder, copied to the address."""
    fs = fsspec.filesystem("memory")
    fs.put(f"{whole.path}/", f"{address}/{whole.name}/", recursive=True)
    return fs


def remote_files(address: str) -> dict[str, bytes]:
    fs = fsspec.filesystem("memory")
    start = "/" + address.removeprefix("memory://") + "/"
    return {path.removeprefix(start): fs.cat_file(path) for path in fs.find(start)}


def check_same(store: Store, whole: Store, ids: list[str]) -> None:
    assert store.missing(ids, LAYERS) == []
    np.testing.assert_array_equal(store.means(ids), whole.means(ids))
    np.testing.assert_array_equal(store.stds(ids), whole.stds(ids))
    np.testing.assert_array_equal(store.frames(ids, 1).values, whole.frames(ids, 1).values)


def test_the_same_files_as_in_a_folder(
    toy: ModuleType, corpus: Path, whole: Store, address: str, ids: list[str]
) -> None:
    assert toy.run(corpus, address, layers=LAYERS).utterances == len(ids)
    there = remote_files(address)
    here = {str(path.relative_to(whole.path.parent)): path for path in whole.path.rglob("*.*")}
    assert there == {name: path.read_bytes() for name, path in here.items()}


def test_the_key_is_readable_there(toy: ModuleType, corpus: Path, address: str) -> None:
    toy.run(corpus, address)
    (text,) = (content for name, content in remote_files(address).items() if name.endswith("key.json"))
    assert json.loads(text)["upstream"] == "toy"


def test_another_machine_reads_everything_and_extracts_nothing(  # noqa: PLR0917
    toy: ModuleType,
    corpus: Path,
    whole: Store,
    address: str,
    ids: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    toy.run(corpus, address, layers=LAYERS)
    before = remote_files(address)
    new_machine(tmp_path / "second", monkeypatch)
    check_same(open_store(address, toy.key()), whole, ids)
    assert toy.run(corpus, f"{address}/", layers=LAYERS).utterances == 0
    assert remote_files(address) == before


def test_opening_fetches_the_indexes_and_nothing_else(
    toy: ModuleType, whole: Store, address: str, ids: list[str], tmp_path: Path
) -> None:
    uploaded(address, whole)
    store = open_store(address, toy.key())
    brought = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert brought == {"index.json"}
    store.means(ids[:1])
    assert len([*tmp_path.rglob("*.npy")]) == 1


def test_a_store_travels_as_its_address(toy: ModuleType, whole: Store, address: str, ids: list[str]) -> None:
    uploaded(address, whole)
    for store in (open_store(address, toy.key()), open_store(whole.path.parent, toy.key())):
        packed = pickle.dumps(store)
        assert len(packed) < 2000
        check_same(pickle.loads(packed), whole, ids)
        check_same(open_store(store.address, store.key), whole, ids)


def test_file_addresses_and_folders_need_no_mirror(
    toy: ModuleType, corpus: Path, whole: Store, ids: list[str], tmp_path: Path
) -> None:
    for number, place in enumerate(["{}", "file://{}", "local://{}"]):
        root = tmp_path / f"root{number}"
        toy.run(corpus, place.format(root), layers=LAYERS)
        check_same(Store(root, toy.key()), whole, ids)
    assert not (tmp_path / "first").exists()


# ------------------------------------------------------------------------------------------------- damage


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=st.sampled_from(FILES),
    which=st.integers(0, 2),
    kind=st.sampled_from(["bit", "cut", "gone", "longer"]),
    share=st.floats(0, 1),
)
def test_a_damaged_object_is_missing_and_is_replaced(
    toy: ModuleType,
    corpus: Path,
    whole: Store,
    ids: list[str],
    tmp_path: Path,
    *,
    file: str,
    which: int,
    kind: str,
    share: float,
) -> None:
    address = f"memory://{uuid.uuid4().hex}/p"
    fs = uploaded(address, whole)
    shard = sorted(whole._catalogue.shards)[which]
    hurt = f"{address}/{whole.name}/shards/{shard}/{file}"
    data = bytearray(fs.cat_file(hurt))
    if kind == "gone":
        fs.rm_file(hurt)
    else:
        data[int(share * (len(data) - 1))] ^= 1
        whole_data = fs.cat_file(hurt)
        fs.pipe_file(hurt, {"bit": bytes(data), "cut": whole_data[:-1], "longer": whole_data + b"\0"}[kind])
    with pytest.MonkeyPatch.context() as patch:
        new_machine(tmp_path / uuid.uuid4().hex, patch)
        store = open_store(address, toy.key())
        assert sorted(store.missing(ids, LAYERS)) == sorted(whole._catalogue.shards[shard].ids)
        report = extract(toy.Toy(), toy.sources(corpus), store, frame_layers=LAYERS, batch_seconds=5.0)
        assert report.shards == 1
        check_same(store, whole, ids)
        new_machine(tmp_path / uuid.uuid4().hex, patch)
        again = open_store(address, toy.key())
        assert again.verify() == []
        check_same(again, whole, ids)
    fs.rm(address, recursive=True)


def test_a_damaged_shard_that_nobody_writes_again_is_removed(
    toy: ModuleType, whole: Store, address: str, ids: list[str]
) -> None:
    """Computed elsewhere the same utterances may come to another shard; the damaged one would stay for ever."""
    fs = uploaded(address, whole)
    shard, sound, *_ = sorted(whole._catalogue.shards)
    hurt = f"{address}/{whole.name}/shards/{shard}/means.npy"
    fs.pipe_file(hurt, fs.cat_file(hurt)[::-1])
    store = open_store(address, toy.key())
    assert store.missing(ids)
    store.prepare()
    assert not [name for name in remote_files(address) if f"/{shard}/" in name]
    assert [name for name in remote_files(address) if f"/{sound}/" in name]


def test_a_shard_that_was_mended_meanwhile_is_kept(
    toy: ModuleType, whole: Store, address: str, ids: list[str]
) -> None:
    fs = uploaded(address, whole)
    shard = min(whole._catalogue.shards)
    hurt = f"{address}/{whole.name}/shards/{shard}/means.npy"
    sound = fs.cat_file(hurt)
    fs.pipe_file(hurt, sound[::-1])
    store = open_store(address, toy.key())
    assert store.missing(ids)
    fs.pipe_file(hurt, sound)
    store.prepare()
    check_same(store, whole, ids)


def test_damage_is_told_once_and_names_the_address(
    toy: ModuleType, whole: Store, address: str, ids: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    fs = uploaded(address, whole)
    shard = min(whole._catalogue.shards)
    fs.rm_file(f"{address}/{whole.name}/shards/{shard}/means.npy")
    store = open_store(address, toy.key())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            store.refresh()
            store.missing(ids)
    (told,) = caplog.records
    assert f"{address}/{whole.name}/shards/{shard}/means.npy" in told.getMessage()


def test_a_damaged_mirror_is_fetched_again(
    toy: ModuleType, whole: Store, address: str, ids: list[str], tmp_path: Path
) -> None:
    uploaded(address, whole)
    check_same(open_store(address, toy.key()), whole, ids)
    for number, path in enumerate(sorted(tmp_path.rglob("*.npy"))):
        path.write_bytes(path.read_bytes()[: -1 - number] + bytes(number % 2))
    check_same(open_store(address, toy.key()), whole, ids)


def test_verify_looks_at_the_address_not_at_the_mirror(
    toy: ModuleType, whole: Store, address: str, ids: list[str]
) -> None:
    fs = uploaded(address, whole)
    store = open_store(address, toy.key())
    assert store.missing(ids, LAYERS) == []
    shard = max(whole._catalogue.shards)
    hurt = f"{address}/{whole.name}/shards/{shard}/stds.npy"
    fs.pipe_file(hurt, fs.cat_file(hurt)[::-1])
    assert store.verify() == [shard]


def test_without_its_index_an_upload_is_no_shard(
    toy: ModuleType, corpus: Path, whole: Store, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Parts first, index last: what a killed writer leaves is neither seen nor spoken of."""
    fs = uploaded(address, whole)
    for shard in whole._catalogue.shards:
        fs.rm_file(f"{address}/{whole.name}/shards/{shard}/index.json")
    assert toy.run(corpus, address, layers=LAYERS).shards == 3
    assert caplog.records == []


def test_a_sound_shard_is_never_written_again(
    toy: ModuleType, corpus: Path, whole: Store, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two commands on two machines compute the same shards: the later one leaves the objects alone."""
    late = open_store(address, toy.key())
    toy.run(corpus, address, layers=LAYERS)
    pushed: list[str] = []
    push = Remote.push
    monkeypatch.setattr(
        Remote, "push", lambda self, files, last: (pushed.append(last), push(self, files, last))
    )
    (name, shard), *_ = sorted(late_shards(whole).items())
    with late.claim("again") as claim:
        late.write(claim, features_of(whole, shard.ids), frame_layers=LAYERS)
    assert name in late._catalogue.shards
    assert pushed == []


def test_the_index_goes_up_last(
    toy: ModuleType, corpus: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever an upload stops, what is there is whole or invisible."""
    fs = fsspec.filesystem("memory")
    put, sent, stops_at = type(fs).put_file, [], [0]

    def counted(self: object, here: str, there: str, **how: object) -> None:
        if "/shards/" in there:
            sent.append(there)
            if [len(sent)] == stops_at:
                raise ConnectionResetError("gone")
        put(self, here, there, **how)

    monkeypatch.setattr(type(fs), "put_file", counted)
    for number in range(1, 9):
        sent.clear()
        stops_at[:] = [number]
        visible = {name.rpartition("/")[0] for name in remote_files(address) if name.endswith(INDEX)}
        with contextlib.suppress(StoreError):
            toy.run(corpus, address, layers=LAYERS)
        there = remote_files(address)
        whole = {name.rpartition("/")[0] for name in there if name.endswith(INDEX)}
        assert visible <= whole
        for shard in whole:
            assert {f"{shard}/{file}" for file in FILES} <= there.keys()
    stops_at.clear()
    toy.run(corpus, address, layers=LAYERS)
    assert open_store(address, toy.key()).verify() == []


def test_a_connection_that_breaks_is_told(
    toy: ModuleType, corpus: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, here: str, there: str, **how: object) -> None:
        raise ConnectionResetError("gone")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "put_file", broken)
    with pytest.raises(StoreError, match=r"cannot be reached[\s\S]*ConnectionResetError: gone"):
        toy.run(corpus, address)
    assert remote_files(address) == {}


def late_shards(store: Store) -> dict[str, object]:
    return dict(store._catalogue.shards)


def features_of(store: Store, ids: tuple[str, ...]) -> list[object]:
    from harness.store import UtteranceFeatures

    return [
        UtteranceFeatures(
            name,
            int(store.frame_counts([name])[0]),
            store.means([name])[0],
            store.stds([name])[0],
            {1: store.frames([name], 1).values},
        )
        for name in ids
    ]
