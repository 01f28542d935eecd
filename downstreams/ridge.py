"""Ridge regression on the classes, a linear probe over time means; layer and strength chosen by the watched part.

The targets are 1 for the class and -1 for the others, as in scikit-learn's RidgeClassifier (two classes give the
same answer with one column or two). Solver: scikit-learn's Cholesky of the smaller of the two Gram matrices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from downstreams._checks import check_list
from downstreams._layers import Rows, RowSpace
from downstreams._probe import Classes, LinearProbe, Variant
from harness.contracts import Shape

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
