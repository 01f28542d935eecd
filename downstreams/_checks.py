"""What a head refuses before it computes: data of another shape, empty parts, values that are not numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from downstreams._pooling import frame_counts
from harness.contracts import Labelled, Means, PackedFrames, Shape
from harness.errors import CheckError, ConfigError, SplitError

if TYPE_CHECKING:
    from torch import Tensor

_BYTES_AT_ONCE = 16 << 20
"""Looked at in one go; what finds numbers that are none takes as much again."""


def check_fit(train: Labelled, watch: Labelled | None, shape: Shape) -> None:
    """Check both parts of a fold that a head trains with.

    Raises:
        ConfigError: layers or width differ from the shape that the head was built for.
        SplitError: an empty part, targets that do not fit, or fewer than two classes in training.
        CheckError: NaN or infinite features, or an utterance without frames.
    """
    _check_part(train, shape, "training part")
    present = torch.unique(train.targets)
    if len(present) < 2:
        raise SplitError(
            "the training part holds a single class, there is nothing to tell apart",
            got=f"class {int(present[0])} in all {len(train.view)} utterances",
            wanted="at least two classes",
            next_step="choose another split, or look at the labels of this fold",
        )
    if watch is not None:
        _check_part(watch, shape, "watched part")


def check_view(view: Means | PackedFrames, shape: Shape, name: str) -> None:
    """Check the layers, the width and the values of a view.

    Raises:
        ConfigError: layers or width differ from the shape that the head was built for.
        CheckError: NaN or infinite features, or an utterance without frames.
    """
    got = tuple(view.values.shape[1:])
    if got != (shape.layers, shape.dim):
        raise ConfigError(
            f"the features of the {name} do not fit the head",
            got=f"(layers, dim) = {got}",
            wanted=f"(layers, dim) = {(shape.layers, shape.dim)}",
            next_step="give the head the view that it was built for",
        )
    if isinstance(view, PackedFrames):
        _check_frames(view, name)
    _check_finite(view, name)


def check_single_layer(shape: Shape, head: str) -> None:
    """Refuse a view of several layers where the head reads one.

    Raises:
        ConfigError: more than one layer.
    """
    if shape.layers != 1:
        raise ConfigError(
            f"{head} reads one layer",
            got=f"a view of {shape.layers} layers",
            wanted="a view of one layer",
            next_step="view=last, or view=layer view.layer=K, or view=mean_last view.layers=K",
        )


def check_is_frames(view: Means | PackedFrames, head: str) -> PackedFrames:
    """Give the view back if it holds frames.

    Raises:
        ConfigError: time means, from which a nonlinearity before the pooling cannot be computed.
    """
    if isinstance(view, PackedFrames):
        return view
    raise ConfigError(
        f"{head} reads frames", got="time means", wanted="packed frames", next_step="give it a view of frames"
    )


def check_positive(**settings: float) -> None:
    """Check that every named setting of a head is above zero.

    Raises:
        ConfigError: the first one that is not.
    """
    for name, value in settings.items():
        if not value > 0:
            raise ConfigError(f"head.{name} must be above 0", got=value, next_step=f"head.{name}=...")


def check_list(name: str, values: Sequence[float]) -> None:
    """Check a list of candidates.

    Raises:
        ConfigError: it is empty, names a value twice, or has one that is not above zero.
    """
    if not values or len(set(values)) < len(values) or not all(value > 0 for value in values):
        raise ConfigError(
            f"head.{name} must list different values above 0",
            got=list(values),
            next_step=f"head.{name}=[1.0]",
        )


def _check_part(part: Labelled, shape: Shape, name: str) -> None:
    if len(part.view) == 0:
        raise SplitError(f"the {name} is empty", next_step="choose another split for this corpus")
    if len(part.view) != len(part.targets):
        raise SplitError(
            f"the {name} has another number of targets than of utterances",
            got=f"{len(part.targets)} targets",
            wanted=f"{len(part.view)}",
        )
    lowest, highest = int(part.targets.min()), int(part.targets.max())
    if lowest < 0 or highest >= shape.classes:
        raise SplitError(
            f"the {name} has targets outside the task",
            got=f"class indices {lowest} to {highest}",
            wanted=f"0 to {shape.classes - 1}",
        )
    check_view(part.view, shape, name)


def _check_frames(view: PackedFrames, name: str) -> None:
    empty = torch.nonzero(frame_counts(view.offsets) < 1).flatten()
    if len(empty):
        raise CheckError(
            f"{len(empty)} utterances of the {name} have no frame",
            got=f"utterance {int(empty[0])} of {len(view)} with 0 frames",
            wanted="at least one frame",
            next_step="leave out clips shorter than the upstream's shortest input",
        )


def _check_finite(view: Means | PackedFrames, name: str) -> None:
    """Look at a few rows at a time, so that a memory-mapped view is never copied as a whole."""
    _, layers, dim = view.values.shape
    rows = max(1, _BYTES_AT_ONCE // (view.values.element_size() * layers * dim))
    for first in range(0, len(view.values), rows):
        bad = ~torch.isfinite(view.values[first : first + rows])
        if bool(bad.any()):
            row, layer, column = (int(place) for place in torch.nonzero(bad)[0])
            raise CheckError(
                f"the features of the {name} are not all numbers",
                got=f"{float(view.values[first + row, layer, column])} in {_place(view, first + row)}, "
                f"layer {layer}, dimension {column}",
                wanted="finite values",
                next_step="python -m harness check upstream=NAME, then extract again",
            )


def _place(view: Means | PackedFrames, row: int) -> str:
    if isinstance(view, Means):
        return f"utterance {row} of {len(view)}"
    utterance = int(torch.searchsorted(view.offsets, _scalar(row), right=True)) - 1
    return f"utterance {utterance} of {len(view)}, frame {row - int(view.offsets[utterance])}"


def _scalar(value: int) -> Tensor:
    return torch.tensor(value, dtype=torch.int64)
