"""Training of a network epoch by epoch, on packed frames or time means, for every head that does it that way."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from downstreams._checks import check_fit, check_is_frames, check_view
from downstreams._seeded import generator, own_chance, shuffled_batches
from downstreams._select_by import MeasuredSelection, SelectBy
from downstreams._selection import Selection, logits_of
from harness.contracts import FitReport, Labelled, Means, PackedFrames, Shape

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


def class_loss(logits: Tensor, part: Labelled) -> Tensor:
    """Mean cross-entropy of the target classes."""
    return nn.functional.cross_entropy(logits, part.targets)


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
    loss: Callable[[Tensor, Labelled], Tensor] = class_loss
    """Outputs of a batch and the batch -> the mean loss over it."""
    select_by: SelectBy = "wa"
    """What the watched part is measured by."""
    shuffled: bool = True
    """Whether every epoch has an order of its own; else it is that of the training part."""


class EpochHead:
    """A head around a network that maps a view to logits.

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
        """Train anew; the first epoch that is best on the watched part is kept (the last one without a watch).

        Raises:
            HarnessError: parts that do not fit the head, see `downstreams._checks`.
        """
        self._check(train, watch)
        self.module = copy.deepcopy(self._initial)
        self._prepare(train)
        plan, history = self._plan, list[dict[str, float]]()
        selection = self._selection(watch)
        optimiser = plan.optimiser(self.module.parameters())
        schedule = plan.schedule(optimiser) if plan.schedule else None
        order = generator(self._seed)
        with own_chance(self._seed):
            for epoch in range(1, plan.epochs + 1):
                used = _settings(optimiser)
                loss = self._epoch(train, optimiser, order)
                if schedule is not None:
                    schedule.step()
                history.append({"epoch": epoch, "loss": loss} | used | selection.look(self.module, epoch))
                progress(epoch / plan.epochs)
        return FitReport(selection.settle(self.module), history)

    def _check(self, train: Labelled, watch: Labelled | None) -> None:
        """Refuse what cannot be learnt from, before the first epoch."""
        check_fit(train, watch, self._shape)

    def _prepare(self, train: Labelled) -> None:
        """Give the network what it takes from the training part without training; nothing, for most."""

    def _selection(self, watch: Labelled | None) -> Selection:
        """What is kept of the training."""
        return MeasuredSelection(self._plan.select_by, "epoch", watch, self._plan.batch)

    def predict(self, view: Means | PackedFrames) -> Tensor:
        """Logits, (utterances, classes) float32; before `fit` those of the untrained network."""
        check_view(view, self._shape, "predicted part")
        return logits_of(self.module, view, self._plan.batch)

    def _epoch(self, train: Labelled, optimiser: Optimizer, order: torch.Generator) -> float:
        """Every utterance once; the mean loss."""
        self.module.train()
        total = 0.0
        for rows in self._batches(len(train.view), order):
            batch = _taken(train, rows)
            optimiser.zero_grad()
            loss = self._plan.loss(self.module(batch.view), batch)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += float(loss.detach()) * len(rows)
        return total / len(train.view)

    def _batches(self, utterances: int, order: torch.Generator) -> Iterator[Tensor]:
        if self._plan.shuffled:
            return shuffled_batches(utterances, self._plan.batch, order)
        return iter(torch.split(torch.arange(utterances), self._plan.batch))


class FrameHead(EpochHead):
    """A head whose network has something nonlinear before the pooling, and therefore reads packed frames."""

    def fit(self, train: Labelled, watch: Labelled | None, progress: Callable[[float], None]) -> FitReport:
        """As `EpochHead.fit`.

        Raises:
            HarnessError: time means, or parts that do not fit the head, see `downstreams._checks`.
        """
        check_is_frames(train.view, self._plan.head)
        return super().fit(train, watch, progress)

    def predict(self, view: Means | PackedFrames) -> Tensor:
        """Logits, (utterances, classes) float32; before `fit` those of the untrained network."""
        return super().predict(check_is_frames(view, self._plan.head))


def _taken(part: Labelled, rows: Tensor) -> Labelled:
    """The utterances at these positions."""
    values = None if part.values is None else part.values[rows]
    return Labelled(part.view.take(rows), part.targets[rows], values)


def _settings(optimiser: Optimizer) -> dict[str, float]:
    """Learning rate, and momentum where there is one, as they are in use now."""
    group = optimiser.param_groups[0]
    return {name: float(group[name]) for name in ("lr", "momentum") if name in group}
