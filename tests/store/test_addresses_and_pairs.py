"""Which addresses can be a store, what is shown of them, and pairs of files that travel to one and back."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from types import ModuleType

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import StoreError
from harness.store import Pairs, open_store
from harness.store.mirror import Remote, is_address, shown

STEMS = ["fold_1--seed0", "fold_2--seed0", "fold_3--seed0"]


# ------------------------------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("http://host/store", "cannot be a store"),
        ("s3://", "cannot be a store"),
        ("nonsense://bucket/x", "Protocol not known"),
    ],
)
def test_an_address_that_cannot_be_a_store(toy: ModuleType, address: str, what: str) -> None:
    with pytest.raises(StoreError, match=what) as caught:
        open_store(address, toy.key())
    assert caught.value.exit_code == 2


def test_a_missing_package_is_named(toy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(StoreError, match=r'pip install "emoharness\[gcs\]"'):
        open_store("gs://bucket/x", toy.key())


@settings(max_examples=50)
@given(name=st.text("abc123", min_size=1), secret=st.text("xyz789!$%&", min_size=3))
def test_credentials_are_not_shown(name: str, secret: str) -> None:
    assert secret not in shown(f"s3://{name}:{secret}@bucket/prefix?token={secret}")
    with pytest.raises(StoreError) as caught:
        Remote(f"nonsense://{name}:{secret}@bucket/prefix").sizes("x")
    assert f":{secret}@" not in str(caught.value)


def test_a_folder_is_no_address() -> None:
    assert not is_address("C:/store")
    assert not is_address("results/s3:/x")
    assert is_address("gs://bucket")


# ----------------------------------------------------------------------------------------------------- pairs


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    here=st.sets(st.sampled_from(STEMS)),
    there=st.sets(st.sampled_from(STEMS)),
    half_there=st.sets(st.sampled_from(STEMS)),
)
def test_pairs_are_exchanged_and_none_is_overwritten(
    tmp_path: Path, here: set[str], there: set[str], half_there: set[str]
) -> None:
    folder, address = tmp_path / uuid.uuid4().hex, f"memory://{uuid.uuid4().hex}/store"
    fs = fsspec.filesystem("memory")
    folder.mkdir()
    for stem in here:
        for ending in (".parquet", ".json"):
            (folder / f"{stem}{ending}").write_text(f"here {stem}")
    for stem in half_there | there:
        fs.pipe_file(f"{address}/cells/k/{stem}.parquet", f"there {stem}".encode())
    for stem in there:
        fs.pipe_file(f"{address}/cells/k/{stem}.json", f"there {stem}".encode())
    Pairs(address, "cells/k", folder, (".parquet", ".json")).exchange(STEMS)
    for stem in STEMS:
        texts = {path.read_text() for path in folder.glob(f"{stem}.*")}
        assert len([*folder.glob(f"{stem}.*")]) == (2 if texts else 0)
        assert texts == ({f"here {stem}"} if stem in here else {f"there {stem}"} if stem in there else set())
        found = {fs.cat_file(path).decode() for path in fs.find(f"{address}/cells/k") if stem in path}
        wanted = there if stem in there else here if stem in here else half_there
        owner = "here" if wanted is here else "there"
        assert found == ({f"{owner} {stem}"} if stem in wanted else set())


def test_pairs_beside_a_folder_stay_where_they_are(tmp_path: Path) -> None:
    for place in (None, str(tmp_path / "store")):
        pairs = Pairs(place, "cells/k", tmp_path, (".parquet", ".json"))
        pairs.exchange(["a"])
        pairs.send("a")
    assert [path.name for path in tmp_path.iterdir()] == []
