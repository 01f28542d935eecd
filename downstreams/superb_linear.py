"""SUPERB's emotion head: softmax-weighted sum of layers -> Linear -> mean over time -> Linear.

Source: s3prl @ ec8064b5, `s3prl/downstream/emotion/config.yaml` and `expert.py`, `s3prl/downstream/model.py`,
`s3prl/upstream/interfaces.py` (Featurizer); Yang et al. 2021, "SUPERB", Interspeech. The network has no
nonlinearity before its pooling, hence it is trained exactly from stored time means; frames are taken too and give
the same to rounding. SUPERB accumulates 8 batches of 4 utterances; here the loss is the mean over the 32.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import torch

from downstreams._checks import check_fit, check_positive, check_view
from downstreams._seeded import endless_batches, generator, one_thread, own_chance
from downstreams._selection import Selection, logits_of
from downstreams._superb_step import FrameStepper, MeanStepper, Rule, Stepper, WeightedSumLinear
from harness.contracts import FitReport, Labelled, Means, PackedFrames, Shape

if TYPE_CHECKING:
    from torch import Tensor

NEEDS = "means"

_AT_ONCE = 64
"""Utterances evaluated at a time: 13 layers of frames of a base model stay below 1 GiB."""


@dataclass(kw_only=True)
class Config:
    """Settings of the head and of its training."""

    projector_dim: int = 256
    """config.yaml: modelrc.projector_dim."""
    lr: float = 1.0e-4
    """config.yaml: optimizer Adam; SUPERB searches this one value per upstream."""
    clip_norm: float = 1.0
    """config.yaml: runner.gradient_clipping."""
    batch: int = 32
    """config.yaml: train_batch_size 4 x gradient_accumulate_steps 8."""
    updates: int = 30_000
    """config.yaml: runner.total_steps (the bar advances once per update)."""
    eval_every: int = 1000
    """config.yaml: runner.eval_step."""


class SuperbLinear:
    """The head with its two verbs.

    Args:
        initial: the untrained network; `fit` always starts from it.
        shape: of the views.
        config: settings.
        seed: decides the order of the utterances.
    """

    def __init__(self, initial: WeightedSumLinear, shape: Shape, config: Config, seed: int) -> None:
        self.module = initial
        self._initial, self._shape, self._config, self._seed = initial, shape, config, seed

    def fit(self, train: Labelled, watch: Labelled | None, progress: Callable[[float], None]) -> FitReport:
        """Train anew; the first state with the best watch accuracy is kept (the last one without a watch).

        Raises:
            HarnessError: parts that do not fit the head, see `downstreams._checks`.
        """
        check_fit(train, watch, self._shape)
        self.module = copy.deepcopy(self._initial)
        selection = Selection("step", watch, _AT_ONCE)
        stepper, history = self._stepper(train), list[dict[str, float]]()
        batches = endless_batches(len(train.view), self._config.batch, generator(self._seed))
        for last in self._looks():
            steps = last - (int(history[-1]["step"]) if history else 0)
            loss = _mean_loss(stepper, islice(batches, steps))
            row = {"step": last, "loss": loss, "lr": self._config.lr}
            history.append(row | selection.look(self.module, last))
            progress(last / self._config.updates)
        return FitReport(selection.settle(self.module), history)

    def predict(self, view: Means | PackedFrames) -> Tensor:
        """Logits, (utterances, classes) float32; before `fit` those of the untrained network."""
        check_view(view, self._shape, "predicted part")
        return logits_of(self.module, view, _AT_ONCE)

    def _looks(self) -> list[int]:
        """The steps after which the watched part is looked at; the last step is always one."""
        looks = list(range(self._config.eval_every, self._config.updates + 1, self._config.eval_every))
        return looks if looks and looks[-1] == self._config.updates else [*looks, self._config.updates]

    def _stepper(self, train: Labelled) -> Stepper:
        rule = Rule(self._config.lr, self._config.clip_norm)
        if isinstance(train.view, Means):
            return MeanStepper(self.module, train.view, train.targets, rule, self._config.batch)
        return FrameStepper(self.module, train.view, train.targets, rule)


def _mean_loss(stepper: Stepper, batches: Iterable[Tensor]) -> float:
    """Train with these batches; the mean of their losses."""
    with nullcontext() if isinstance(stepper, FrameStepper) else one_thread():
        return float(torch.stack([stepper.step(rows) for rows in batches]).mean())


def build(config: Config, shape: Shape, seed: int) -> SuperbLinear:
    """A fresh head.

    Raises:
        ConfigError: a setting that is not above zero.
    """
    check_positive(**vars(config))
    with own_chance(seed):
        initial = WeightedSumLinear(shape, config.projector_dim)
    return SuperbLinear(initial, shape, config, seed)
