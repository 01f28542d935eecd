"""What heads over conversations refuse before they compute."""

from __future__ import annotations

import torch

from downstreams._checks import check_single_layer
from harness.contracts import Contexts, LabelledContexts, Shape
from harness.errors import CheckError, ConfigError, SplitError


def check_context_view(shape: Shape) -> None:
    """Refuse a view of several layers.

    Raises:
        ConfigError: more than one layer.
    """
    check_single_layer(shape, "a head over conversations")


def check_contexts(part: LabelledContexts, shape: Shape, name: str, *, trains: bool = False) -> None:
    """Check a part of a fold.

    Args:
        part: what is trained on, watched or predicted.
        shape: that the head was built for.
        name: of the part, for the message.
        trains: whether it has to hold two classes.

    Raises:
        ConfigError: no contexts, or another width than the head's.
        SplitError: an empty part, targets that do not fit, or a single class to train on.
        CheckError: an example without an utterance, or features that are not finite.
    """
    if not isinstance(part.view, Contexts):
        raise ConfigError(
            f"the {name} holds no conversations",
            got=type(part.view).__name__,
            wanted="contexts",
            next_step="task=next_turn, or another head",
        )
    if len(part.view) == 0:
        raise SplitError(f"the {name} is empty", next_step="choose another split for this corpus")
    _check_targets(part, shape, name)
    if trains and len(torch.unique(part.targets)) < 2:
        raise SplitError(
            "the training part holds a single class, there is nothing to tell apart",
            got=f"class {int(part.targets[0])} in all {len(part.view)} examples",
            wanted="at least two classes",
            next_step="choose another split, or look at the labels of this fold",
        )
    _check_values(part.view, shape, name)


def _check_targets(part: LabelledContexts, shape: Shape, name: str) -> None:
    if len(part.view) != len(part.targets):
        raise SplitError(
            f"the {name} has another number of targets than of examples",
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


def _check_values(view: Contexts, shape: Shape, name: str) -> None:
    got = tuple(view.values.shape[1:])
    if got != (shape.layers, shape.dim):
        raise ConfigError(
            f"the features of the {name} do not fit the head",
            got=f"(layers, dim) = {got}",
            wanted=f"(layers, dim) = {(shape.layers, shape.dim)}",
            next_step="give the head the view that it was built for",
        )
    silent = torch.nonzero(view.offsets.diff() < 1).flatten()
    if len(silent):
        raise CheckError(
            f"{len(silent)} examples of the {name} read no utterance",
            got=f"example {int(silent[0])} of {len(view)}",
            wanted="at least one earlier utterance",
        )
    read = view.values[torch.unique(view.rows)]
    bad = torch.nonzero(~torch.isfinite(read))
    if len(bad):
        row, layer, column = (int(place) for place in bad[0])
        raise CheckError(
            f"the features of the {name} are not all numbers",
            got=f"{float(read[row, layer, column])} in utterance {int(torch.unique(view.rows)[row])} of "
            f"{view.values.shape[0]}, layer {layer}, dimension {column}",
            wanted="finite values",
            next_step="python -m harness check upstream=NAME, then extract again",
        )
