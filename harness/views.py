"""Which part of the hidden states a head reads: one layer, all of them, or the mean of the last few.

As time means, for heads that pool before anything nonlinear, or as packed frames, for all others. Layers are
counted from 0, the input of the first block; negative numbers are refused, because `last` says it better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from harness.contracts import Means, PackedFrames
from harness.errors import ConfigError
from harness.store import Store


@dataclass(kw_only=True)
class View:
    """What a head sees.

    Raises:
        ConfigError: an unknown kind, a setting that the kind needs and lacks, or one that would do nothing.
    """

    kind: Literal["last", "layer", "weighted", "mean_last"]
    """`last`: the last layer. `layer`: the one called `layer`. `weighted`: all, for heads that weigh them.
    `mean_last`: the plain mean of the last `layers`."""
    layer: int | None = None
    layers: int | None = None

    def __post_init__(self) -> None:
        needs = {"last": None, "layer": "layer", "weighted": None, "mean_last": "layers"}
        if self.kind not in needs:
            raise ConfigError("there is no such view", got=self.kind, wanted=f"one of {', '.join(needs)}")
        for name in ("layer", "layers"):
            self._check_setting(name, wanted=needs[self.kind] == name)

    def _check_setting(self, name: str, *, wanted: bool) -> None:
        value = getattr(self, name)
        if wanted and value is None:
            raise ConfigError(
                f"the view `{self.kind}` needs a number",
                got=f"no view.{name}",
                wanted=f"view.{name}, a whole number",
                next_step=f"add view.{name}=4 (or another) to the command or the recipe",
            )
        if not wanted and value is not None:
            raise ConfigError(
                f"view.{name} does nothing in the view `{self.kind}`",
                got=f"view.{name}={value}",
                wanted=f"view.{name} left out",
                next_step=f"drop it, or choose view={'layer' if name == 'layer' else 'mean_last'}",
            )


def frame_layers(view: View, layers: int) -> tuple[int, ...]:
    """The layers that a view reads of an upstream with so many hidden states, rising.

    Raises:
        ConfigError: the upstream has no such layer, or not so many.

    >>> frame_layers(View(kind="mean_last", layers=4), 13)
    (9, 10, 11, 12)
    """
    if view.kind == "weighted":
        return tuple(range(layers))
    if view.layers is not None:
        _check_range("layers", view.layers, 1, layers)
        return tuple(range(layers - view.layers, layers))
    layer = layers - 1 if view.layer is None else view.layer
    _check_range("layer", layer, 0, layers - 1)
    return (layer,)


def view_layers(view: View, layers: int) -> int:
    """How many layers a head is shown of an upstream with so many hidden states; a mean of several is one."""
    return 1 if view.kind == "mean_last" else len(frame_layers(view, layers))


def _check_range(name: str, value: int, first: int, last: int) -> None:
    if not first <= value <= last:
        raise ConfigError(
            f"view.{name} is out of range for this upstream",
            got=f"view.{name}={value}",
            wanted=f"{first} to {last}",
            next_step=f"choose view.{name} in that range; python -m harness list shows each upstream's layers",
        )


def means_view(store: Store, ids: Sequence[str], view: View) -> Means:
    """Time means of the view, (utterances, layers of the view, dim), in the order of `ids`.

    The mean over layers of time means is the time mean of the layers' mean, so `mean_last` loses nothing.

    Raises:
        ConfigError: the upstream has no such layer.
        StoreError: an utterance is missing or its shard damaged.
    """
    values = store.means(ids, frame_layers(view, store.key.layers))
    if view.kind == "mean_last":
        values = values.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    return Means(torch.from_numpy(values))


def frames_view(store: Store, ids: Sequence[str], view: View) -> PackedFrames:
    """Packed frames of the view, (total_frames, layers of the view, dim), in the order of `ids`.

    Raises:
        ConfigError: the upstream has no such layer.
        StoreError: frames are missing or their shard damaged.
    """
    layers = frame_layers(view, store.key.layers)
    if view.kind == "mean_last":
        return _mean_frames(store, ids, layers)
    total = int(store.frame_counts(ids).sum())
    values = np.empty((total, len(layers), store.key.dim), np.float32)
    for place, layer in enumerate(layers):
        offsets = store.frames(ids, layer, out=values[:, place]).offsets
    return PackedFrames(torch.from_numpy(values), torch.from_numpy(offsets))


def _mean_frames(store: Store, ids: Sequence[str], layers: Sequence[int]) -> PackedFrames:
    """Layer after layer, so that memory holds two of them and not all."""
    total, offsets = store.frames(ids, layers[0])
    for layer in layers[1:]:
        total += store.frames(ids, layer).values
    total /= len(layers)
    return PackedFrames(torch.from_numpy(total[:, None]), torch.from_numpy(offsets))


def reordered(views: Sequence[Means | PackedFrames], places: Sequence[int]) -> Means | PackedFrames:
    """Several views of one kind as one, its utterances put where `places` says.

    Args:
        views: one after the other.
        places: for every utterance of them in turn, its place in the result.
    """
    order = torch.argsort(torch.tensor(places, dtype=torch.int64))
    values = torch.cat([view.values for view in views])
    first = views[0]
    if isinstance(first, Means):
        return Means(values).take(order)
    counts = torch.cat([view.offsets.diff() for view in views if isinstance(view, PackedFrames)])
    return PackedFrames(values, torch.cat([counts.new_zeros(1), counts.cumsum(0)])).take(order)
