"""What an objective of pre-training gives: losses, a teacher that follows, a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor


class Loss(NamedTuple):
    """What an objective says of one micro-batch, as sums: processes and micro-batches add up to one update."""

    total: Tensor
    """Scalar with gradient. Gradients are divided by the `frames` of the whole update."""
    frames: int
    """What the sums are counted in: predicted frames."""
    figures: Mapping[str, float]
    """Sums and spreads for the log: `frame_loss`, `utterance_loss`, `target_std`, `prediction_std`, ..."""


@runtime_checkable
class Objective(Protocol):
    """Something to pre-train: a `torch.nn.Module` that owns everything that moves, teacher included.

    Every random choice comes from what it is given: `rng` for masks, PyTorch's own generator for dropout, which
    the trainer sets anew for every micro-batch. So a run does not depend on how many processes share it.
    """

    def batch(self, waves: Tensor, rng: np.random.Generator) -> Mapping[str, Tensor]:
        """Normalise and mask a batch of equally long waves, (batch, samples) float32 at 16 kHz, on the CPU."""
        ...

    def loss(self, batch: Mapping[str, Tensor]) -> Loss:
        """The loss of a batch that `batch` made, on the device of the weights."""
        ...

    def trained(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """What the optimiser moves, by name."""
        ...

    def finished_update(self, updates: int) -> Mapping[str, float]:
        """Called after every update, with the number of finished ones; moves the teacher, returns `ema_decay`."""
        ...

    def released(self) -> Mapping[str, Tensor]:
        """The tensors of the checkpoint that the family's `load` reads, by the names of the original code."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """What a loader cannot tell from the tensors, in the form of the original's configuration."""
        ...

    def card(self) -> Mapping[str, Any]:
        """Facts for the card: dim, layers, hop_samples, min_samples, parameters, options."""
        ...


@runtime_checkable
class ObjectiveModule(Protocol):
    """A module in `upstreams/objectives/`: `Config` holds its settings, `FAMILY` names who loads what comes out.

    Where settings mean something that has to be said aloud, it has a `remarks(config)` too, one line for each.
    """

    FAMILY: str
    Config: type

    @staticmethod
    def build(config: object, init: Path | None, seed: int) -> Objective:
        """A fresh objective; `init` is a checkpoint to start from, None a cold start; same seed, same weights."""
        ...
