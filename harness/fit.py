"""One training: a head on one fold with one seed, from views of features to a head that can predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

from harness.contracts import (
    Contexts,
    Example,
    FitReport,
    Head,
    Labelled,
    Means,
    PackedFrames,
    Shape,
)


class Shared(NamedTuple):
    """What a fold has in common with the others, for a `SharingHeadModule`."""

    work: object
    fold: int
    """Position of the fold among those that share."""


@dataclass(frozen=True, kw_only=True)
class FoldViews:
    """The three parts of a fold as a head sees them."""

    train: Labelled
    dev: Labelled | None
    test: Labelled
    shared: Shared | None = None

    def watch(self, select: str) -> Labelled | None:
        """The part that selects the model under a selection rule: `dev`, `test`, or none for `last`."""
        return {"dev": self.dev, "test": self.test, "last": None}[select]


class Fitted(NamedTuple):
    """A trained head, and what it says about its training."""

    head: Head
    report: FitReport


def labelled(view: Means | PackedFrames, examples: Sequence[Example], classes: Sequence[str]) -> Labelled:
    """A view with the targets of its examples: class indices (0 where there is no class), and their values."""
    import torch

    position = {name: index for index, name in enumerate(classes)} | {"": 0}
    targets = torch.tensor([position[example.target] for example in examples], dtype=torch.int64)
    values = [example.values for example in examples]
    has_values = bool(values) and all(values)
    return Labelled(view, targets, torch.tensor(values, dtype=torch.float32) if has_values else None)


def fit(
    module: ModuleType,
    settings: Any,  # noqa: ANN401  the head's own Config
    views: FoldViews,
    *,
    classes: int,
    select: str,
    seed: int,
    progress: Callable[[float], None],
) -> Fitted:
    """Train a fresh head; the test part is looked at only where `select` says so."""
    shape, shared = shape_of(views.train.view, classes), views.shared
    head: Head = (
        module.build(settings, shape, seed)
        if shared is None
        else module.build_shared(settings, shape, seed, shared.work, shared.fold)
    )
    return Fitted(head, head.fit(views.train, views.watch(select), progress))


def shape_of(view: Means | PackedFrames | Contexts, classes: int) -> Shape:
    """Layers and width of a view."""
    _, layers, dim = view.values.shape
    return Shape(layers=int(layers), dim=int(dim), classes=classes)
