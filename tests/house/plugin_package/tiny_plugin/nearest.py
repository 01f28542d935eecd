"""Nearest class mean, as a third party would write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from harness.contracts import FitReport, Labelled, Means, PackedFrames, Shape

NEEDS = "means"


@dataclass(kw_only=True)
class Config:
    """No settings."""


class Nearest:
    """The negative distance to every class mean."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def fit(self, train: Labelled, watch: Labelled | None, progress: Callable[[float], None]) -> FitReport:
        """See `harness.contracts.Head`."""
        flat = train.view.values.flatten(1)
        self.means = torch.stack([flat[train.targets == k].mean(0) for k in range(self.shape.classes)])
        return FitReport("nothing to select", [])

    def predict(self, view: Means | PackedFrames) -> torch.Tensor:
        """See `harness.contracts.Head`."""
        return -torch.cdist(view.values.flatten(1), self.means)


def build(config: Config, shape: Shape, seed: int) -> Nearest:
    """A fresh head."""
    return Nearest(shape)
