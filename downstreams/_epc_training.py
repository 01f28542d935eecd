"""Training of the networks that predict the emotion of the next turn, the same for all of them.

Adam at a constant rate, cross-entropy weighted by inverse class frequency, no clipping; the epoch with the
smallest loss on the watched part is kept, and training ends when it has not been beaten for `patience` epochs.
Source: a third party's description of Shi, Li and Toda 2023.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from downstreams._checks import check_positive
from downstreams._epc_checks import check_context_view, check_contexts
from downstreams._seeded import generator, one_thread, own_chance, shuffled_batches
from harness.contracts import Contexts, FitReport, LabelledContexts, Shape
from harness.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(kw_only=True)
class EpcConfig:
    """Settings of a network and of its training."""

    hidden_dim: int = 256
    """States, and queries, keys and values of the attention."""
    dropout: float = 0.5
    """Between the two layers of every GRU."""
    lr: float = 1.0e-4
    """Adam."""
    batch: int = 32
    epochs: int = 50
    """At most."""
    patience: int = 10
    """Epochs without a smaller watch loss until training ends; nothing ends it without a watched part."""


class _Watched(NamedTuple):
    loss: float
    accuracy: float
    """Percent."""


class ContextHead:
    """A head around a network that maps `Contexts` to logits.

    Args:
        make: the untrained network; called once.
        config: of the training.
        shape: of the views.
        seed: decides the first weights, the order of the examples and the dropout.

    Raises:
        ConfigError: a setting out of its range, or a view of several layers.
    """

    def __init__(self, make: Callable[[], nn.Module], config: EpcConfig, shape: Shape, seed: int) -> None:
        check_positive(**{name: value for name, value in vars(config).items() if name != "dropout"})
        if not 0 <= config.dropout < 1:
            raise ConfigError("head.dropout is a share", got=config.dropout, wanted="0 to below 1")
        check_context_view(shape)
        with own_chance(seed):
            self._initial = make()
        self.module, self._config, self._shape, self._seed = self._initial, config, shape, seed

    def fit(
        self, train: LabelledContexts, watch: LabelledContexts | None, progress: Callable[[float], None]
    ) -> FitReport:
        """Train anew; the epoch with the smallest watch loss is kept (the last one without a watch).

        Raises:
            HarnessError: parts that do not fit the head, see `downstreams._epc_checks`.
        """
        for name, part in (("training part", train), ("watched part", watch)):
            if part is not None:
                check_contexts(part, self._shape, name, trains=part is train)
        self.module = copy.deepcopy(self._initial)
        with own_chance(self._seed), one_thread():
            report = self._train(train, watch, progress)
        progress(1.0)
        return report

    def predict(self, view: Contexts) -> Tensor:
        """Logits, (examples, classes) float32; before `fit` those of the untrained network."""
        check_contexts(
            LabelledContexts(view, view.offsets.new_zeros(len(view))), self._shape, "predicted part"
        )
        with one_thread():
            return self._logits(view)

    def _train(
        self, train: LabelledContexts, watch: LabelledContexts | None, progress: Callable[[float], None]
    ) -> FitReport:
        config, weights = self._config, class_weights(train.targets, self._shape.classes)
        optimiser = torch.optim.Adam(self.module.parameters(), lr=config.lr)
        order, history = generator(self._seed), list[dict[str, float]]()
        best, kept, state = float("inf"), 0, self.module.state_dict()
        for epoch in range(1, config.epochs + 1):
            history.append({"epoch": epoch, "loss": self._epoch(train, weights, optimiser, order)})
            if watch is not None:
                seen = self._watched(watch, weights)
                history[-1] |= {"watch_loss": seen.loss, "watch_wa": seen.accuracy}
                if seen.loss < best:
                    best, kept, state = seen.loss, epoch, copy.deepcopy(self.module.state_dict())
                if epoch - kept >= config.patience:
                    break
            progress(epoch / config.epochs)
        if watch is None:
            return FitReport(f"epoch {config.epochs}, the last", history)
        self.module.load_state_dict(state)
        return FitReport(f"epoch {kept} by watch loss {best:.4f}", history)

    def _epoch(
        self,
        train: LabelledContexts,
        weights: Tensor,
        optimiser: torch.optim.Optimizer,
        order: torch.Generator,
    ) -> float:
        """Every example once; the mean of the batches' losses, weighted as the loss itself is."""
        self.module.train()
        total, mass = 0.0, 0.0
        for rows in shuffled_batches(len(train.view), self._config.batch, order):
            optimiser.zero_grad()
            targets = train.targets[rows]
            loss = nn.functional.cross_entropy(self.module(train.view.take(rows)), targets, weights)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            share = float(weights[targets].sum())
            total, mass = total + float(loss.detach()) * share, mass + share
        return total / mass

    def _watched(self, watch: LabelledContexts, weights: Tensor) -> _Watched:
        """The same weighted loss over the whole part at once, so that its batches do not count."""
        logits = self._logits(watch.view)
        loss = nn.functional.cross_entropy(logits, watch.targets, weights)
        return _Watched(float(loss), 100.0 * float((logits.argmax(1) == watch.targets).double().mean()))

    @torch.no_grad()
    def _logits(self, view: Contexts) -> Tensor:
        self.module.eval()
        pieces = torch.split(torch.arange(len(view)), self._config.batch)
        return torch.cat([self.module(view.take(rows)) for rows in pieces])


def class_weights(targets: Tensor, classes: int) -> Tensor:
    """(classes,) float32: inverse frequencies, 1 on average over the examples; 0 for a class that is not there.

    >>> class_weights(torch.tensor([0, 0, 0, 1]), 3).tolist()
    [0.6666666865348816, 2.0, 0.0]
    """
    counts = torch.bincount(targets, minlength=classes).float()
    present = counts > 0
    return torch.where(present, len(targets) / (counts.clamp(min=1) * present.sum()), counts)
