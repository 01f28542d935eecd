"""Ridge regression on the classes, a linear probe over time means; layer and strength chosen by the watched part.

The targets are 1 for the class and -1 for the others, as in scikit-learn's RidgeClassifier (two classes give the
same answer with one column or two). Solver: scikit-learn's Cholesky of the smaller of the two Gram matrices; where
the folds of a study are trained together, one of their own with the sums that they share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from downstreams._checks import check_list
from downstreams._layers import Rows, RowSpace, layer_candidates
from downstreams._probe import Classes, LinearProbe, Variant
from downstreams._shared_grams import SharedGrams
from downstreams._shared_ridge import SharedRidge
from harness.contracts import Labelled, Means, Shape

if TYPE_CHECKING:
    from torch import Tensor

NEEDS = "means"


@dataclass(kw_only=True)
class Config:
    """Settings of the probe; the candidates are ours."""

    layer: int | str = "auto"
    """`auto` tries every layer, an index (negative: from the end) one, `concat` all side by side."""
    alphas: list[float] = field(default_factory=lambda: [1.0, 10.0, 100.0, 1000.0, 10000.0])
    """Penalties on the squared weights of standardised features."""


def build(config: Config, shape: Shape, seed: int) -> LinearProbe:  # noqa: ARG001  nothing is drawn
    """A fresh head.

    Raises:
        ConfigError: a layer that is not there, or no usable penalty.
    """
    check_list("alphas", config.alphas)
    return LinearProbe(shape, config.layer, partial(_train, config.alphas), len(config.alphas))


def share(config: Config, shape: Shape, whole: Labelled, trains: Sequence[Tensor]) -> SharedGrams | None:
    """What the folds of a study have in common; None where each is better fitted by itself.

    Args:
        config: settings of the head.
        shape: of the views.
        whole: all utterances of the study.
        trains: per fold, the positions of its training utterances.

    Raises:
        ConfigError: a layer that is not there, or no usable penalty.
    """
    check_list("alphas", config.alphas)
    layers = [layer for layer in layer_candidates(config.layer, shape) if isinstance(layer, int)]
    if not layers or not isinstance(whole.view, Means):
        return None
    shared = SharedGrams(
        whole.view, whole.targets, trains, classes=shape.classes, layers=layers, alphas=config.alphas
    )
    return shared if shared.worth_it else None


def build_shared(
    config: Config,
    shape: Shape,
    seed: int,  # noqa: ARG001  nothing is drawn
    shared: SharedGrams,
    fold: int,
) -> LinearProbe:
    """A fresh head for one of the folds that share; it gives what `build`'s gives, to rounding.

    Raises:
        ConfigError: a layer that is not there, or no usable penalty.
    """
    check_list("alphas", config.alphas)
    train = partial(_train, config.alphas)
    return SharedRidge(shape, config.layer, train, alphas=config.alphas, shared=shared, fold=fold)


def _train(alphas: Sequence[float], rows: Rows, classes: Classes) -> Iterator[Variant]:
    reduce = RowSpace(rows)
    reduced, targets = reduce(rows), np.where(np.eye(classes.max() + 1)[classes] > 0, 1.0, -1.0)
    for alpha in alphas:
        yield Variant({"alpha": alpha}, partial(_decide, reduce, _fitted(alpha, reduced, targets)))


def _fitted(alpha: float, rows: Rows, targets: Rows) -> Any:  # noqa: ANN401  scikit-learn is not typed
    from sklearn.linear_model import Ridge

    return Ridge(alpha=alpha, solver="cholesky").fit(rows, targets)


def _decide(reduce: RowSpace, model: Any, rows: Rows) -> Rows:  # noqa: ANN401
    values: Rows = model.predict(reduce(rows))
    return values
