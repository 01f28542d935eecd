"""Multinomial logistic regression, a linear probe over time means; layer and strength chosen by the watched part.

scikit-learn's LogisticRegression (L-BFGS, squared penalty). With more columns than utterances it is fitted in the
space that the training rows span, which changes nothing but the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from downstreams._checks import check_list, check_positive
from downstreams._layers import Rows, RowSpace
from downstreams._probe import Classes, LinearProbe, Variant, fit_quietly
from harness.contracts import Shape

NEEDS = "means"


@dataclass(kw_only=True)
class Config:
    """Settings of the probe; the candidates are ours."""

    layer: int | str = "auto"
    """`auto` tries every layer, an index (negative: from the end) one, `concat` all side by side."""
    C: list[float] = field(default_factory=lambda: [0.001, 0.01, 0.1, 1.0])
    """Inverse penalties, scikit-learn's C, on standardised features."""
    max_iter: int = 1000
    """Steps of L-BFGS; what has not converged by then is told in the log."""


def build(config: Config, shape: Shape, seed: int) -> LinearProbe:  # noqa: ARG001  nothing is drawn
    """A fresh head.

    Raises:
        ConfigError: a layer that is not there, or no usable penalty.
    """
    check_list("C", config.C)
    check_positive(max_iter=config.max_iter)
    return LinearProbe(shape, config.layer, partial(_train, config), len(config.C))


def _train(config: Config, rows: Rows, classes: Classes) -> Iterator[Variant]:
    from sklearn.linear_model import LogisticRegression

    reduce = RowSpace(rows)
    reduced = reduce(rows)
    for strength in config.C:
        model = LogisticRegression(C=strength, max_iter=config.max_iter)
        fit_quietly(model, reduced, classes)
        yield Variant({"C": strength}, partial(_decide, reduce, model))


def _decide(reduce: RowSpace, model: Any, rows: Rows) -> Rows:  # noqa: ANN401  scikit-learn is not typed
    values: Rows = model.decision_function(reduce(rows))
    return values
