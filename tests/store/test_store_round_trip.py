"""What was written is read back, whatever the order, the subset and the shards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, StoreError
from harness.store import Store, UtteranceFeatures

LAYERS, DIM = 4, 8


def made_up(names: list[str], seed: int = 0) -> dict[str, UtteranceFeatures]:
    random = np.random.default_rng(seed)
    found = {}
    for name in names:
        frames = random.standard_normal((LAYERS, int(random.integers(1, 30)), DIM)).astype(np.float32)
        found[name] = UtteranceFeatures(
            id=name,
            n_frames=frames.shape[1],
            mean=frames.mean(1),
            std=frames.std(1),
            frames=dict(enumerate(frames)),
        )
    return found


def add(
    store: Store, items: list[UtteranceFeatures], *, means: bool = True, layers: tuple[int, ...] = ()
) -> None:
    with store.claim("test") as claim:
        store.write(claim, items, means=means, frame_layers=layers)


@settings(max_examples=40)
@given(data=st.data())
def test_any_subset_in_any_order_from_any_shards(toy: ModuleType, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=12, unique=True))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(names)), max_size=3)))
    layers = tuple(data.draw(st.sets(st.integers(0, LAYERS - 1))))
    asked = data.draw(st.lists(st.sampled_from(names), max_size=15))
    known = made_up(names)
    with tempfile.TemporaryDirectory() as root:
        store = Store(Path(root), toy.key())
        for first, last in zip([0, *cuts], [*cuts, len(names)], strict=True):
            add(store, [known[name] for name in names[first:last]], layers=layers)
        for opened in (store, Store(Path(root), toy.key())):
            assert opened.missing(names, layers) == []
            check_equal(opened, asked, known, layers)


def check_equal(
    store: Store, asked: list[str], known: dict[str, UtteranceFeatures], layers: tuple[int, ...]
) -> None:
    empty = np.empty((0, LAYERS, DIM), np.float32)
    np.testing.assert_array_equal(store.means(asked), np.array([known[n].mean for n in asked] or empty))
    np.testing.assert_array_equal(store.stds(asked), np.array([known[n].std for n in asked] or empty))
    assert store.frame_counts(asked).tolist() == [known[n].n_frames for n in asked]
    for layer in layers:
        values, offsets = store.frames(asked, layer)
        assert offsets.tolist() == [0, *np.cumsum([known[n].n_frames for n in asked])]
        for row, name in enumerate(asked):
            np.testing.assert_array_equal(values[offsets[row] : offsets[row + 1]], known[name].frames[layer])


def test_a_store_grows_by_utterances_and_by_layers(tmp_path: Path, toy: ModuleType) -> None:
    known = made_up([*"abcdef"])
    store = Store(tmp_path, toy.key())
    assert store.missing("abc") == [*"abc"]
    add(store, [known[name] for name in "abc"])
    assert store.missing("dcba") == ["d"]
    assert store.missing("abc", [2]) == [*"abc"]
    lack = store.lacking("ad", [2])
    assert (lack["a"].means, lack["d"].means, lack["a"].layers) == (False, True, (2,))
    add(store, [known[name] for name in "ab"], means=False, layers=(2,))
    add(store, [known[name] for name in "def"], layers=(1, 2))
    assert store.missing("abcdef", [2]) == ["c"]
    check_equal(Store(tmp_path, toy.key()), [*"fadb"], known, (2,))
    check_equal(Store(tmp_path, toy.key()), [*"fabdc"], known, ())
    with pytest.raises(StoreError, match=r"1 of 2 utterances have no frames_002[\s\S]*got: c"):
        store.frames(["a", "c"], 2)
    with pytest.raises(StoreError, match="got: z"):
        store.means(["z"])


@pytest.mark.parametrize("seed", range(6))  # the name of a shard is a hash, so its order is a coin's
def test_every_process_reads_the_same_of_two_shards(tmp_path: Path, toy: ModuleType, seed: int) -> None:
    first, second = made_up(["a", "b"], seed=seed), made_up(["a", "c"], seed=seed + 100)
    store = Store(tmp_path, toy.key())
    add(store, [*first.values()])
    add(store, [*second.values()])
    again = Store(tmp_path, toy.key())
    np.testing.assert_array_equal(store.means(["a", "b", "c"]), again.means(["a", "b", "c"]))


def test_the_same_shard_twice_is_one_shard(tmp_path: Path, toy: ModuleType) -> None:
    items = [*made_up(["a", "b"]).values()]
    for _ in range(2):
        add(Store(tmp_path, toy.key()), items)
    store = Store(tmp_path, toy.key())
    assert len([*(store.path / "shards").iterdir()]) == 1
    assert [*(store.path / "pending").iterdir()] == []


def test_half_precision_where_asked(tmp_path: Path, toy: ModuleType) -> None:
    known = made_up([*"abc"])
    store = Store(tmp_path, toy.key(dtype="float16"))
    add(store, [*known.values()], layers=(1,))
    values, _ = store.frames([*"abc"], 1)
    wanted = np.concatenate([item.frames[1] for item in known.values()])
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, wanted.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(store.means(["b"])[0], known["b"].mean)
    large = known["a"]._replace(id="large", frames={1: known["a"].frames[1] * 1e6})
    with pytest.raises(StoreError, match="too large for float16"):
        add(store, [large], layers=(1,))


@pytest.mark.parametrize(
    "changes",
    [
        {"corpus_sha256": "c1"}, {"weights_sha256": "seed 1"}, {"code_version": "2"}, {"dtype": "float16"},
        {"preprocessing": {"sample_rate_hz": 8000}}, {"preprocessing": {}}, {"options": {"normalise": True}},
        {"calibration": {"mean": 0.1}}, {"upstream": "other"}, {"corpus": "other"}, {"layers": 5}, {"dim": 9},
    ],
)  # fmt: skip
def test_whatever_shapes_the_output_shapes_the_name(toy: ModuleType, changes: dict[str, object]) -> None:
    assert toy.key(**changes).name() != toy.key().name()
    assert len(toy.key().name()) >= 16


def test_the_name_knows_no_order_and_no_process(toy: ModuleType, project_root: Path) -> None:
    one = toy.key(options={"a": 1, "b": (1, 2)})
    assert one.name() == toy.key(options={"b": [1, 2], "a": 1}).name()
    facts = {name: value for name, value in json.loads(one.json()).items() if name != "format"}
    code = f"from harness.store import StoreKey; print(StoreKey(**{facts!r}).name())"
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(project_root)}
    other = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == one.name()


@pytest.mark.parametrize(
    "changes",
    [{"calibration": {"mean": float("nan")}}, {"options": {"x": object()}}, {"dtype": "int8"}, {"dim": 0}],
)
def test_a_key_that_names_nothing_is_refused(toy: ModuleType, changes: dict[str, object]) -> None:
    with pytest.raises(StoreError, match="wanted:"):
        toy.key(**changes)


def test_the_key_lies_readable_in_the_store_and_is_mended(tmp_path: Path, toy: ModuleType) -> None:
    store = Store(tmp_path, toy.key())
    for _ in range(2):
        store.prepare()
        assert json.loads((store.path / "key.json").read_text())["preprocessing"] == {
            "sample_rate_hz": 16_000
        }
        (store.path / "key.json").write_text("{")


def test_looking_writes_nothing(tmp_path: Path, toy: ModuleType) -> None:
    store = Store(tmp_path / "root", toy.key())
    assert store.missing(["a"]) == ["a"]
    assert store.means([]).shape == (0, LAYERS, DIM)
    assert not (tmp_path / "root").exists()


def test_wrong_shapes_and_layers_are_refused(tmp_path: Path, toy: ModuleType) -> None:
    store, item = Store(tmp_path, toy.key()), made_up(["a"])["a"]
    wrong = [
        (item._replace(mean=item.mean[:2]), ()),
        (item._replace(n_frames=item.n_frames + 1), (0,)),
        (item._replace(n_frames=0), ()),
        (item._replace(frames={}), (0,)),
        (item, (4,)),
        (item, (-1,)),
    ]
    for features, layers in wrong:
        with pytest.raises(HarnessError, match="wanted:"):
            add(store, [features], layers=layers)
    assert store.missing(["a"]) == ["a"]
    with pytest.raises(StoreError, match="0 to 3"):
        store.missing(["a"], [4])


def test_reading_picks_layers_and_fills_a_given_place(tmp_path: Path, toy: ModuleType) -> None:
    known = made_up([*"ab"])
    store = Store(tmp_path, toy.key())
    add(store, [*known.values()], layers=(0, 3))
    np.testing.assert_array_equal(store.means(["b", "a"], [3, 0])[0], known["b"].mean[[3, 0]])
    place = np.zeros((sum(item.n_frames for item in known.values()), 2, DIM), np.float32)
    store.frames(["a", "b"], 3, out=place[:, 1])
    np.testing.assert_array_equal(place[: known["a"].n_frames, 1], known["a"].frames[3])
    assert not place[:, 0].any()
    with pytest.raises(StoreError, match="another size"):
        store.frames(["a"], 3, out=place[:, 1])
    assert store.bytes_on_disk() > place.nbytes
