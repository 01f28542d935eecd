"""Checks of targets that are no class: numbers on scales, and shares of the raters."""

from __future__ import annotations

import torch

from downstreams._checks import check_view
from harness.contracts import Labelled, Shape
from harness.errors import SplitError

SHARES_TOLERANCE = 1e-3
"""How far shares may add up to something else than 1: published tables round them to three digits and more."""


def check_values(train: Labelled, watch: Labelled | None, shape: Shape) -> None:
    """Check both parts of a fold whose targets are numbers on scales, or shares of the classes.

    Raises:
        ConfigError: layers or width differ from the shape that the head was built for.
        SplitError: an empty part, or values that do not fit or are no numbers.
        CheckError: NaN or infinite features, or an utterance without frames.
    """
    _check_values_of(train, shape, "training part")
    if watch is not None:
        _check_values_of(watch, shape, "watched part")


def check_varied(train: Labelled) -> None:
    """Refuse a training part in which a scale has one value everywhere.

    Raises:
        SplitError: names the first one by its position.
    """
    values = train.values if train.values is not None else torch.empty(0, 0)
    still = torch.nonzero(values.amax(0) == values.amin(0)).flatten()
    if len(still):
        raise SplitError(
            "the training part holds a single value on a scale, there is nothing to learn",
            got=f"{float(values[0, still[0]])} on scale {int(still[0])} in all {len(values)} utterances",
            wanted="values that differ",
            next_step="choose another split, or look at the ratings of this fold",
        )


def check_shares(train: Labelled) -> None:
    """Refuse values that are no shares of the classes.

    Raises:
        SplitError: one is below zero, or those of an utterance do not add up to 1.
    """
    values = train.values if train.values is not None else torch.empty(0, 0)
    bad = (values < 0).any(1) | ((values.sum(1) - 1).abs() > SHARES_TOLERANCE)
    if bool(bad.any()):
        raise SplitError(
            "the training part has values that are no shares",
            got=f"{values[bad][0].tolist()} in the first of {int(bad.sum())} utterances",
            wanted="numbers from 0 that add up to 1",
            next_step="task=soft_labels",
        )


def _check_values_of(part: Labelled, shape: Shape, name: str) -> None:
    if len(part.view) == 0:
        raise SplitError(f"the {name} is empty", next_step="choose another split for this corpus")
    wanted, values = (len(part.view), shape.classes), part.values
    if values is None or tuple(values.shape) != wanted or not bool(torch.isfinite(values).all()):
        raise SplitError(
            f"the {name} does not have the values that the head learns",
            got="no values"
            if values is None
            else f"values of shape {tuple(values.shape)}, or not all numbers",
            wanted=f"finite numbers of shape {wanted}",
            next_step="task=dimensions or task=soft_labels",
        )
    check_view(part.view, shape, name)
