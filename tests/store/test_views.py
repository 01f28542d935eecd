"""Views against plain numpy, and settings that do nothing or fit nothing."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import yaml

from harness.config import build
from harness.contracts import Means, PackedFrames
from harness.errors import ConfigError, HarnessError, StoreError
from harness.store import Store
from harness.views import View, frame_layers, frames_view, means_view

VIEWS = [
    (View(kind="last"), (3,)),
    (View(kind="layer", layer=0), (0,)),
    (View(kind="layer", layer=2), (2,)),
    (View(kind="weighted"), (0, 1, 2, 3)),
    (View(kind="mean_last", layers=1), (3,)),
    (View(kind="mean_last", layers=3), (1, 2, 3)),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, toy: ModuleType) -> Store:
    folder = tmp_path_factory.mktemp("corpus")
    toy.make_corpus(folder, 70, seed=4)
    toy.run(folder, folder / "root", layers=(0, 1, 2, 3))
    return Store(folder / "root", toy.key())


@pytest.mark.parametrize(("view", "layers"), VIEWS)
def test_views_against_numpy(filled: Store, view: View, layers: tuple[int, ...]) -> None:
    assert frame_layers(view, 4) == layers
    ids = [f"u{number:04d}" for number in (69, 3, 3, 40)]
    means, packed = means_view(filled, ids, view), frames_view(filled, ids, view)
    every = np.stack([filled.frames(ids, layer).values for layer in range(4)], 1)[:, layers]
    all_means = filled.means(ids)[:, layers]
    if view.kind == "mean_last":
        every, all_means = every.mean(1, keepdims=True), all_means.mean(1, keepdims=True)
    assert isinstance(means, Means)
    assert isinstance(packed, PackedFrames)
    assert means.values.dtype == packed.values.dtype == torch.float32
    # Values below 1; means of at most three float32 numbers in another order.
    np.testing.assert_allclose(means.values.numpy(), all_means, rtol=0, atol=2e-7)
    np.testing.assert_allclose(packed.values.numpy(), every, rtol=0, atol=2e-7)
    assert len(means) == len(packed) == 4
    assert packed.offsets.dtype == torch.int64
    pooled = [packed.take(torch.tensor([row])).values.mean(0).numpy() for row in range(4)]
    np.testing.assert_allclose(means.values.numpy(), pooled, rtol=0, atol=1e-6)


def test_frames_that_were_not_stored(filled: Store, tmp_path: Path, toy: ModuleType) -> None:
    toy.make_corpus(tmp_path, 2)
    toy.run(tmp_path, tmp_path / "root", layers=(2,))
    store = Store(tmp_path / "root", toy.key())
    assert len(frames_view(store, ["u0000"], View(kind="layer", layer=2))) == 1
    with pytest.raises(StoreError, match="frames_003"):
        frames_view(store, ["u0000"], View(kind="last"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "last", "layer": 3}, r"view.layer does nothing in the view `last`"),
        ({"kind": "weighted", "layers": 2}, r"view.layers does nothing"),
        ({"kind": "layer", "layer": 1, "layers": 2}, r"view.layers does nothing"),
        ({"kind": "mean_last", "layers": 2, "layer": 1}, r"view.layer does nothing"),
        ({"kind": "layer"}, r"needs a number[\s\S]*view.layer"),
        ({"kind": "mean_last"}, r"needs a number[\s\S]*view.layers"),
        ({"kind": "first"}, r"kind"),
        ({"kind": "layer", "layer": "x"}, r"view.layer"),
        ({"kind": "layer", "layr": 2}, r"did you mean layer"),
    ],
)
def test_settings_that_do_nothing_or_are_missing(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(View, settings, where="view")


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (View(kind="layer", layer=4), r"got: view.layer=4[\s\S]*wanted: 0 to 3"),
        (View(kind="layer", layer=-1), r"wanted: 0 to 3"),
        (View(kind="mean_last", layers=5), r"wanted: 1 to 4"),
        (View(kind="mean_last", layers=0), r"wanted: 1 to 4"),
    ],
)
def test_layers_that_the_upstream_does_not_have(filled: Store, view: View, message: str) -> None:
    for read in (means_view, frames_view):
        with pytest.raises(ConfigError, match=message):
            read(filled, ["u0000"], view)


def test_every_recipe_part_is_a_view(project_root: Path) -> None:
    found = {path.stem: path for path in (project_root / "recipes" / "view").glob("*.yaml")}
    assert {"last", "layer", "weighted", "mean_last"} <= found.keys()
    for name, path in found.items():
        values = yaml.safe_load(path.read_text())
        if name == "layer":
            with pytest.raises(HarnessError, match=r"add view.layer="):
                build(View, values, where="view")
            values["layer"] = 2
        assert build(View, values, where="view").kind == name
