"""MERBench's regression head: three copies of one vector through an attention-fused MLP to a real score.

Source: zeroQiaoba/MERTools @ 89120b78, `MERBench/toolkit/models/attention.py` (network), `main-release.py` (Adam
with l2, batch, epochs, the first best epoch), `toolkit/dataloader/cmudata.py` (what is measured: weighted F1 of
score > 0, zeros left out). With a single modality its three encoders all read the same vector. The three weights
are no softmax: they are what the last linear layer gives.

The network learns the score by its mean squared error; the logits are (-score, score), so that a score above zero
says positive and zero, like everything below it, says negative. MERTools draws width, dropout and rate at random
from `SEARCHED`, 50 times, and then averages six runs with what was best: first `head.draws=50`, whose record says
what was selected, then these settings with six seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from downstreams._checks import check_positive, check_single_layer
from downstreams._epochs import EpochHead, Plan
from downstreams._pooling import means_of
from downstreams._random_search import RandomSearch, Search, Settings
from downstreams._seeded import own_chance
from downstreams._select_by import SelectBy
from harness.contracts import Labelled, Means, PackedFrames, Shape
from harness.errors import ConfigError, SplitError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

NEEDS = "means"
COPIES = 3
"""Audio, text and video where there are three; here three copies of one."""
SEARCHED: Mapping[str, Sequence[float]] = {
    "hidden_dim": (64, 128, 256),
    "dropout": (0.2, 0.3, 0.4, 0.5),
    "lr": (1e-3, 1e-4),
}
"""`MERBench/toolkit/model-tune.yaml`."""


@dataclass(kw_only=True)
class Config:
    """Settings of the head and of its training; the first three are what MERTools searches, here mid-grid."""

    hidden_dim: int = 128
    dropout: float = 0.3
    """Of the input of every MLP."""
    lr: float = 1.0e-3
    """Adam, constant."""
    l2: float = 1.0e-5
    """Adam's own weight decay, added to the gradient."""
    batch: int = 32
    epochs: int = 100
    input_factor: float = 1.0
    """The vectors are multiplied by it; 4 makes the mean of four layers their sum, which MERTools stores."""
    select_by: SelectBy = "wf1"
    shuffle: bool = True
    """False: every epoch in the order of the corpus, as MERTools' loader of CMU-MOSI and CMU-MOSEI has it."""
    draws: int = 0
    """So often the first three are drawn from `SEARCHED`, and the watched part selects; 0: as they are."""


class Encoder(nn.Sequential):
    """Dropout of the input, then three linear layers with ReLU."""

    def __init__(self, width: int, hidden_dim: int, dropout: float) -> None:
        sizes = [width, hidden_dim, hidden_dim, hidden_dim]
        layers = [
            layer for before, after in pairwise(sizes) for layer in (nn.Linear(before, after), nn.ReLU())
        ]
        super().__init__(nn.Dropout(dropout), *layers)


class AttentionFusion(nn.Module):
    """Three encoders -> weighted sum, weights from all three side by side -> Linear to one score."""

    def __init__(self, dim: int, config: Config) -> None:
        super().__init__()
        hidden_dim, self._factor = config.hidden_dim, config.input_factor
        self.encoders = nn.ModuleList(Encoder(dim, hidden_dim, config.dropout) for _ in range(COPIES))
        self.attention = Encoder(COPIES * hidden_dim, hidden_dim, config.dropout)
        self.weights = nn.Linear(hidden_dim, COPIES)
        self.score = nn.Linear(hidden_dim, 1)

    def forward(self, view: Means | PackedFrames) -> Tensor:
        """(utterances, 2): minus the score, and the score."""
        vectors = self._factor * means_of(view)[:, 0]
        hidden = torch.stack(
            [encoder(vectors) for encoder in self.encoders], dim=1
        )  # (utterances, 3, hidden)
        weights = self.weights(self.attention(hidden.flatten(1)))
        score = self.score((weights[..., None] * hidden).sum(1))
        return torch.cat([-score, score], dim=1)


class RegressionHead(EpochHead):
    """The head with its two verbs; it learns the score that comes with every utterance."""

    def _check(self, train: Labelled, watch: Labelled | None) -> None:
        super()._check(train, watch)
        _check_scores(train)


def build(config: Config, shape: Shape, seed: int) -> RegressionHead | RandomSearch:
    """A fresh head, or a search among many.

    Raises:
        ConfigError: a view of several layers, other than two classes, or a setting out of its range.
    """
    _check(config, shape)
    if not config.draws:
        return _one(config, shape, seed)
    search = Search(searched=SEARCHED, draws=config.draws, by=config.select_by)
    return RandomSearch(partial(_drawn, config, shape), search, seed)


def _drawn(config: Config, shape: Shape, settings: Settings, seed: int) -> RegressionHead:
    chosen = {name: type(getattr(config, name))(value) for name, value in settings.items()}
    return _one(replace(config, **chosen), shape, seed)


def _one(config: Config, shape: Shape, seed: int) -> RegressionHead:
    with own_chance(seed):
        initial = AttentionFusion(shape.dim, config)
    plan = Plan(
        head="merbench",
        epochs=config.epochs,
        batch=config.batch,
        optimiser=partial(_adam, config),
        loss=_squared_error,
        select_by=config.select_by,
        shuffled=config.shuffle,
    )
    return RegressionHead(initial, shape, plan, seed)


def _adam(config: Config, parameters: Iterable[nn.Parameter]) -> Optimizer:
    return torch.optim.Adam(parameters, lr=config.lr, weight_decay=config.l2)


def _squared_error(logits: Tensor, part: Labelled) -> Tensor:
    if part.values is None:
        raise TypeError("the scores are checked before training")
    return nn.functional.mse_loss(logits[:, 1], part.values[:, 0])


def _check(config: Config, shape: Shape) -> None:
    names = ("hidden_dim", "lr", "batch", "epochs", "input_factor")
    check_positive(**{name: getattr(config, name) for name in names})
    if not 0 <= config.dropout < 1:
        raise ConfigError("head.dropout is a share", got=config.dropout, wanted="0 to below 1")
    if not config.l2 >= 0:
        raise ConfigError("head.l2 is below 0", got=config.l2, wanted="0 or more")
    _check_draws(config)
    check_single_layer(shape, "merbench")
    if shape.classes != 2:
        raise ConfigError(
            "merbench tells negative from positive by the sign of a score",
            got=f"{shape.classes} classes",
            wanted="two classes, negative and positive",
            next_step="task=sentiment task.neutral=drop",
        )


def _check_draws(config: Config) -> None:
    if config.draws < 0:
        raise ConfigError("head.draws is below 0", got=config.draws, wanted="0, or how many to train")
    set_too = [name for name in SEARCHED if getattr(config, name) != getattr(Config(), name)]
    if config.draws and set_too:
        raise ConfigError(
            "settings that are drawn are set as well",
            got=f"head.draws={config.draws} and head.{', head.'.join(set_too)}",
            wanted="one or the other",
            next_step="head.draws=0, or leave the others out",
        )


def _check_scores(train: Labelled) -> None:
    values = train.values
    if values is None or values.shape != (len(train.view), 1) or not bool(torch.isfinite(values).all()):
        raise SplitError(
            "merbench learns a score, and the task does not give one for every utterance",
            got="no scores" if values is None else f"values of shape {tuple(values.shape)}",
            wanted=f"({len(train.view)}, 1) finite scores, negative ones below zero",
            next_step="task=sentiment on corpus=mosi or corpus=mosei; labels alone: head=e2v_linear",
        )
