"""A linear head by gradient descent from random weights; a process waits in the middle of its second training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from gated_plugin import gate
from harness.contracts import FitReport, Labelled, Means, PackedFrames, Shape

NEEDS = "means"
STEPS = 60


@dataclass(kw_only=True)
class Config:
    """What the tests ask for."""

    fails: bool = False
    """Whether the second training of a process, and each after it, finds its features unfit."""


class Linear:
    """Softmax regression on standardised means."""

    def __init__(self, config: Config, shape: Shape, seed: int) -> None:
        self.config = config
        draw = torch.Generator().manual_seed(seed)
        self.weight = torch.randn(shape.layers * shape.dim, shape.classes, generator=draw) / 10

    def fit(self, train: Labelled, watch: Labelled | None, progress: Callable[[float], None]) -> FitReport:
        """See `harness.contracts.Head`."""
        values = train.view.values.flatten(1)
        self.mean, self.std = values.mean(0), values.std(0)
        inputs, wanted = self._scaled(values), torch.eye(self.weight.shape[1])[train.targets]
        for step in range(STEPS):
            if step == STEPS // 2:
                gate.come("train", 1)
                self._refuse()
            error = torch.softmax(inputs @ self.weight, -1) - wanted
            self.weight = self.weight - 0.5 * inputs.T @ error / len(inputs)
            progress((step + 1) / STEPS)
        return FitReport("last step", [])

    def _refuse(self) -> None:
        from harness.errors import LabelError

        if self.config.fails and gate.passed("train") > 1:
            raise LabelError(
                "these features are unfit", got="some", wanted="others", next_step="another head"
            )

    def _scaled(self, values: torch.Tensor) -> torch.Tensor:
        return (values - self.mean) / self.std

    def predict(self, view: Means | PackedFrames) -> torch.Tensor:
        """See `harness.contracts.Head`."""
        return self._scaled(view.values.flatten(1)) @ self.weight


def build(config: Config, shape: Shape, seed: int) -> Linear:
    """A fresh head."""
    return Linear(config, shape, seed)
