"""Linear discriminant analysis with shrunken covariances, a probe over time means with fixed settings.

scikit-learn's LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"). Without shrinkage 384 columns and some
480 utterances give a covariance that is useless (68.6 instead of 92.0 WA on EmoDB).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from downstreams._layers import Rows
from downstreams._probe import Classes, LinearProbe, Variant, fit_quietly
from downstreams._wide_lda import WideLDA
from harness.contracts import Shape

NEEDS = "means"


@dataclass(kw_only=True)
class Config:
    """Settings of the probe."""

    layer: int | str = "auto"
    """`auto` tries every layer, an index (negative: from the end) one, `concat` all side by side."""


def build(config: Config, shape: Shape, seed: int) -> LinearProbe:  # noqa: ARG001  nothing is drawn
    """A fresh head.

    Raises:
        ConfigError: a layer that is not there.
    """
    return LinearProbe(shape, config.layer, _train)


def _train(rows: Rows, classes: Classes) -> Iterator[Variant]:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    wide = rows.shape[1] > rows.shape[0]
    model: Any = WideLDA() if wide else LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    fit_quietly(model, rows, classes)
    yield Variant({}, partial(_decide, model))


def _decide(model: Any, rows: Rows) -> Rows:  # noqa: ANN401  scikit-learn is not typed
    values: Rows = model.decision_function(rows)
    return values
