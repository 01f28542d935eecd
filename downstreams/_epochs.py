"""Training of a network on packed frames, epoch by epoch, for every head that does it that way."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from downstreams._checks import check_fit, check_is_frames, check_view
from downstreams._seeded import generator, own_chance, shuffled_batches
from downstreams._selection import Selection, logits_of
from harness.contracts import FitReport, Labelled, Means, PackedFrames, Shape

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a network is trained."""

    head: str
    """Name of the head, for messages."""
    epochs: int
    batch: int
    """Utterances in a batch."""
    optimiser: Callable[[Iterable[nn.Parameter]], Optimizer]
    schedule: Callable[[Optimizer], LRScheduler] | None = None
    """Stepped after every epoch."""


class FrameHead:
    """A head around a network that maps `PackedFrames` to logits.

    Args:
        initial: the untrained network; `fit` always starts from it.
        shape: of the views.
        plan: how it is trained.
        seed: decides the order of the utterances and the dropout.
    """

    def __init__(self, initial: nn.Module, shape: Shape, plan: Plan, seed: int) -> None:
        self.module = initial
        self._initial, self._shape, self._plan, self._seed = initial, shape, plan, seed

    def fit(self, train: Labelled, watch: Labelled | None, progress: Callable[[float], None]) -> FitReport:
        """Train anew; the first epoch with the best watch accuracy is kept (the last one without a watch).

        Raises:
            HarnessError: parts that do not fit the head, see `downstreams._checks`.
        """
        frames = check_is_frames(train.view, self._plan.head)
        check_fit(train, watch, self._shape)
        self.module = copy.deepcopy(self._initial)
        selection, history = Selection("epoch", watch, self._plan.batch), list[dict[str, float]]()
        optimiser = self._plan.optimiser(self.module.parameters())
        schedule = self._plan.schedule(optimiser) if self._plan.schedule else None
        order = generator(self._seed)
        with own_chance(self._seed):
            for epoch in range(1, self._plan.epochs + 1):
                used = _settings(optimiser)
                loss = self._epoch(frames, train.targets, optimiser, order)
                if schedule is not None:
                    schedule.step()
                history.append({"epoch": epoch, "loss": loss} | used | selection.look(self.module, epoch))
                progress(epoch / self._plan.epochs)
        return FitReport(selection.settle(self.module), history)

    def predict(self, view: Means | PackedFrames) -> Tensor:
        """Logits, (utterances, classes) float32; before `fit` those of the untrained network."""
        check_view(check_is_frames(view, self._plan.head), self._shape, "predicted part")
        return logits_of(self.module, view, self._plan.batch)

    def _epoch(
        self, frames: PackedFrames, targets: Tensor, optimiser: Optimizer, order: torch.Generator
    ) -> float:
        """Every utterance once; the mean loss."""
        self.module.train()
        total = 0.0
        for rows in shuffled_batches(len(frames), self._plan.batch, order):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(self.module(frames.take(rows)), targets[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += float(loss.detach()) * len(rows)
        return total / len(frames)


def _settings(optimiser: Optimizer) -> dict[str, float]:
    """Learning rate, and momentum where there is one, as they are in use now."""
    group = optimiser.param_groups[0]
    return {name: float(group[name]) for name in ("lr", "momentum") if name in group}
