"""Linear support vector machine, a probe over time means with fixed settings.

scikit-learn's SVC with a linear kernel (libsvm, one class against one) on standardised features. With more columns
than utterances it is fitted in the space that the training rows span, which keeps every scalar product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from downstreams._checks import check_positive
from downstreams._layers import Rows, RowSpace
from downstreams._probe import Classes, LinearProbe, Variant, fit_quietly
from harness.contracts import Shape

NEEDS = "means"


@dataclass(kw_only=True)
class Config:
    """Settings of the probe."""

    layer: int | str = "auto"
    """`auto` tries every layer, an index (negative: from the end) one, `concat` all side by side."""
    C: float = 1.0
    """scikit-learn's default; on EmoDB with ComParE 2016, 0.001 to 1 predict the same."""


def build(config: Config, shape: Shape, seed: int) -> LinearProbe:  # noqa: ARG001  nothing is drawn
    """A fresh head.

    Raises:
        ConfigError: a layer that is not there, or a C that is not above zero.
    """
    check_positive(C=config.C)
    return LinearProbe(shape, config.layer, partial(_train, config.C))


def _train(strength: float, rows: Rows, classes: Classes) -> Iterator[Variant]:
    from sklearn.svm import SVC

    reduce = RowSpace(rows)
    model = SVC(kernel="linear", C=strength)
    fit_quietly(model, reduce(rows), classes)
    yield Variant({}, partial(_decide, reduce, model))


def _decide(reduce: RowSpace, model: Any, rows: Rows) -> Rows:  # noqa: ANN401  scikit-learn is not typed
    """scikit-learn's values per class, with a vote more for libsvm's choice.

    The values count the won duels plus a fraction for their margins, and that fraction would break a tie of votes
    otherwise than libsvm's `predict` does; with the extra vote the largest value is always the predicted class.
    """
    reduced = reduce(rows)
    values: Rows = model.decision_function(reduced)
    if values.ndim == 2:
        values[np.arange(len(values)), model.predict(reduced)] += 1.0
    return values
