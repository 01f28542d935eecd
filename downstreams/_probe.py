"""A linear probe over time means: every candidate (layer x strength) is fitted, the watched part selects.

The winner is not fitted again on training and watched part together: the watched part stays unseen by the fit.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from downstreams._checks import check_fit, check_view
from downstreams._layers import Rows, Standardise, layer_candidates, layer_rows
from downstreams._pooling import means_of
from downstreams._selection import weighted_accuracy
from harness.contracts import FitReport, Labelled, Means, PackedFrames, Shape
from harness.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

Classes: TypeAlias = NDArray[np.int64]
Decide: TypeAlias = Callable[[Rows], Rows]
"""Standardised rows -> decision values, one column per class of the training part (one in all for two)."""


class Variant(NamedTuple):
    """One fitted model and what distinguishes it from the others of its layer (`{"alpha": 10.0}`, or nothing)."""

    setting: dict[str, float]
    decide: Decide


Train: TypeAlias = Callable[[Rows, Classes], Iterator[Variant]]
"""Standardised rows and class indices (0 to present classes - 1) -> the variants, in their order."""


class _Candidate(NamedTuple):
    layer: int | str
    standardise: Standardise
    variant: Variant


class LinearProbe:
    """A scikit-learn model over time means, with the two verbs of a head.

    Args:
        shape: of the views.
        layer: `auto`, `concat` or an index.
        train: how the model is fitted to a layer.
        variants: how many models `train` gives for a layer.

    Raises:
        ConfigError: a layer that is not there.
    """

    def __init__(self, shape: Shape, layer: int | str, train: Train, variants: int = 1) -> None:
        self._shape, self._train = shape, train
        self._layers = layer_candidates(layer, shape)
        self._total = len(self._layers) * variants
        self._present: Tensor = torch.empty(0, dtype=torch.int64)
        self._chosen: _Candidate | None = None

    def fit(self, train: Labelled, watch: Labelled | None, progress: Callable[[float], None]) -> FitReport:
        """Fit every candidate; the first with the best watch accuracy is kept.

        Raises:
            ConfigError: several candidates and nothing that selects among them.
            HarnessError: parts that do not fit the head, see `downstreams._checks`.
        """
        self._check_watch(watch)
        check_fit(train, watch, self._shape)
        self._present = torch.unique(train.targets)
        means = means_of(train.view)
        watch_means = means_of(watch.view) if watch is not None else None
        best, history = -1.0, list[dict[str, float]]()
        self._chosen = None
        for candidate in self._fitted(means, train.targets):
            row = {"step": float(len(history) + 1)} | self._coordinates(candidate)
            if watch is None or watch_means is None:
                self._chosen = candidate
            else:
                row["watch_wa"] = weighted_accuracy(self._logits(candidate, watch_means), watch.targets)
                if row["watch_wa"] > best:
                    best, self._chosen = row["watch_wa"], candidate
            history.append(row)
            progress(len(history) / self._total)
        return FitReport(self._selected(best), history)

    def predict(self, view: Means | PackedFrames) -> Tensor:
        """Decision values, (utterances, classes) float32; a class without training data gets the lowest float.

        Raises:
            RuntimeError: before `fit`.
            HarnessError: a view that does not fit the head, see `downstreams._checks`.
        """
        if self._chosen is None:
            raise RuntimeError("predict was called before fit")
        check_view(view, self._shape, "predicted part")
        return self._logits(self._chosen, means_of(view))

    def _fitted(self, means: Tensor, targets: Tensor) -> Iterator[_Candidate]:
        classes: Classes = torch.searchsorted(self._present, targets).numpy()
        for layer in self._layers:
            rows = layer_rows(means, layer)
            standardise = Standardise(rows)
            for variant in self._train(standardise(rows), classes):
                yield _Candidate(layer, standardise, variant)

    def _logits(self, candidate: _Candidate, means: Tensor) -> Tensor:
        values = candidate.variant.decide(candidate.standardise(layer_rows(means, candidate.layer)))
        if values.ndim == 1:
            values = np.stack([-values, values], axis=1)
        logits = torch.full((len(means), self._shape.classes), torch.finfo(torch.float32).min)
        logits[:, self._present] = torch.from_numpy(values).float()
        return logits

    def _check_watch(self, watch: Labelled | None) -> None:
        if watch is None and self._total > 1:
            raise ConfigError(
                "nothing selects among the candidates of this head",
                got=f"{self._total} candidates from {len(self._layers)} layers, and no part that selects",
                wanted="one candidate, or a part that selects",
                next_step="fix head.layer=K and one value of the head's list, or set split.select=dev",
            )

    def _coordinates(self, candidate: _Candidate) -> dict[str, float]:
        """Where a candidate lies, as numbers; layers side by side have no number."""
        layer = {"layer": float(candidate.layer)} if isinstance(candidate.layer, int) else {}
        return layer | candidate.variant.setting

    def _selected(self, best: float) -> str:
        if self._chosen is None:
            raise RuntimeError("no candidate was fitted")
        layer = self._chosen.layer
        where = (
            [f"layer {layer}" if isinstance(layer, int) else "all layers"] if self._shape.layers > 1 else []
        )
        what = [f"{name} {value:g}" for name, value in self._chosen.variant.setting.items()]
        how = f"by watch WA {best:.1f}" if self._total > 1 else "as configured"
        return f"{', '.join([*where, *what])} {how}".strip()


def fit_quietly(model: object, rows: Rows, classes: NDArray[np.generic]) -> None:
    """Fit a scikit-learn model; what it warns of goes to the log instead of the terminal."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(rows, classes)  # type: ignore[attr-defined]
    for message in sorted({str(entry.message).splitlines()[0] for entry in caught}):
        logger.warning("%s: %s", type(model).__name__, message)
