"""The shortcut of two numbers: how long an utterance is, and how loud.

Multinomial logistic regression over the logarithm of the duration and the level, standardised, with their squares
and their product; every class weighs the same. Chosen among seven small classifiers by UA in five-fold
cross-validation inside the training parts alone, over EmoDB and URDU under two protocols each and the embedded
voices, on average: this one 51.4; without squares 50.5; support vectors 49.0; quadratic discriminants 48.1; 15
neighbours 45.6; linear discriminants 44.7; logistic regression with neither squares nor weights 44.4. Weighing the
classes costs WA where one class is frequent; there the majority is the shortcut to beat.

Shares are learnt by the same model, every example once for each class with its share as weight and all classes as
frequent as they are; numbers on scales by ridge regression on the same columns.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Kind
from harness.shortcuts._cues import Cue
from harness.shortcuts._identity import as_output

SHORTEST_S = 0.01
"""Keeps the logarithm finite where a duration is zero or unknown."""
QUIETEST_DBFS = -90.0
"""One step of 16 bits: what is quieter, digital silence included, is all the same and would stretch the scale."""
ROUNDS = 1000
"""Of L-BFGS at most; it needs some tens."""


class DurationLevel:
    """Targets given log duration and level; a level that is missing counts as the median of the training part."""

    def fit(
        self, cues: Sequence[Cue], targets: NDArray[np.float64], kind: Kind
    ) -> Callable[[Sequence[Cue]], NDArray[np.float32]]:
        """Fit; gives a function from (examples,) cues to (examples, classes) log shares, or numbers."""
        levels = np.array([cue.level_dbfs for cue in cues])
        known = levels[~np.isnan(levels)]
        usual_dbfs = float(np.median(known)) if len(known) else 0.0
        rows = _rows(cues, usual_dbfs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = _regression(rows, targets) if kind == "scales" else _classifier(rows, targets, kind)
        return lambda tested: as_output(model(_rows(tested, usual_dbfs)), kind)


Model = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""(examples, 2) -> (examples, outputs)."""


def _classifier(rows: NDArray[np.float64], targets: NDArray[np.float64], kind: Kind) -> Model:
    """Shares of the classes; one that no training example has gets nothing."""
    from sklearn.linear_model import LogisticRegression

    weighing = "balanced" if kind == "classes" else None
    owners, classes = np.nonzero(targets)
    columns, present = _columns(rows), np.unique(classes)
    model = LogisticRegression(class_weight=weighing, max_iter=ROUNDS)
    model.fit(columns.transform(rows[owners]), classes, sample_weight=targets[owners, classes])

    def shares(tested: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.zeros((len(tested), targets.shape[1]))
        found[:, present] = model.predict_proba(columns.transform(tested))
        return found

    return shares


def _regression(rows: NDArray[np.float64], targets: NDArray[np.float64]) -> Model:
    from sklearn.linear_model import Ridge

    columns = _columns(rows)
    model = Ridge(alpha=1.0).fit(columns.transform(rows), targets)
    return lambda tested: np.asarray(
        model.predict(columns.transform(tested)).reshape(len(tested), -1), dtype=np.float64
    )


def _columns(rows: NDArray[np.float64]) -> Any:  # noqa: ANN401  scikit-learn is not typed
    """Standardised, with squares and product."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    return make_pipeline(StandardScaler(), PolynomialFeatures(degree=2, include_bias=False)).fit(rows)


def _rows(cues: Sequence[Cue], usual_dbfs: float) -> NDArray[np.float64]:
    """(examples, 2): log duration and level."""
    durations_s = np.array([cue.duration_s for cue in cues], dtype=np.float64)
    levels = np.array([cue.level_dbfs for cue in cues], dtype=np.float64)
    known_s = np.where(durations_s > SHORTEST_S, durations_s, SHORTEST_S)
    heard = np.maximum(np.where(np.isnan(levels), usual_dbfs, levels), QUIETEST_DBFS)
    return np.stack([np.log(known_s), heard], axis=1)
