"""What the section `heads` measures, variant by variant; every function prepares and returns the work."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks._cell import Values, Work
from benchmarks._head_data import CLASSES, Features, parts, read_features
from benchmarks._plain_heads import (
    MaskedGRU,
    SuperbHead,
    SuperbRule,
    accuracy,
    emotion2vec_training,
    endless,
    loader,
    means_training,
    one_epoch,
    ridge_sweep,
    superb_training,
    superb_update,
)
from downstreams import e2v_linear, gru, ridge, superb_linear
from harness.contracts import Head, Shape

FOLDS = 5
ALPHAS = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
THREE = (0.5, 0.15, 0.35)


def _features(settings: Values) -> Features:
    """Those of the settings; what the first step of an optimiser loads is loaded here, not under the clock."""
    weight = nn.Parameter(torch.zeros(2))
    weight.sum().backward()  # type: ignore[no-untyped-call]
    torch.optim.Adam([weight]).step()
    importlib.import_module("sklearn.linear_model")
    return read_features(Path(settings["folder"]))


def _shape(features: Features) -> Shape:
    layers, dim = features.values.shape[1:]
    return Shape(layers=int(layers), dim=int(dim), classes=CLASSES)


def _unheard(share: float) -> None:
    """Progress that nobody watches."""


def _own_folds(settings: Values) -> range:
    """The folds of one process: one each, or its part of all five."""
    if settings["whole"]:
        return range(settings["share"], FOLDS, settings["shares"])
    return range(settings["share"], settings["share"] + 1)


def superb(settings: Values) -> Work:
    """Work: `superb_linear` on mapped time means, selection every 1,000 updates included."""
    features = _features(settings)
    updates, folds = settings["updates"], _own_folds(settings)
    config = superb_linear.Config(updates=updates, eval_every=min(1000, updates))

    def work() -> Values:
        for fold in folds:
            train, watch = (features.labelled(rows) for rows in parts(len(features.targets), fold))
            superb_linear.build(config, _shape(features), fold).fit(train, watch, _unheard)
        return {"updates": updates * len(folds)}

    return work


def superb_plain(settings: Values) -> Work:
    """Work: SUPERB's updates from frames of all layers, padded batches of 4, eight to an update."""
    features = _features(settings)
    rule = SuperbRule(updates=settings["updates"])
    torch.manual_seed(0)
    model = SuperbHead(*features.values.shape[1:])
    adam = torch.optim.Adam(model.parameters(), lr=rule.lr)
    batches = endless(loader(features, torch.arange(len(features.targets)), rule.batch, shuffle=True))
    superb_update(model, batches, adam, rule)

    def work() -> Values:
        for _ in range(rule.updates):
            superb_update(model, batches, adam, rule)
        return {"updates": rule.updates}

    return work


def superb_means_plain(settings: Values) -> Work:
    """Work: the same updates from time means by autograd."""
    features = _features(settings)

    def work() -> Values:
        means_training(features, torch.arange(len(features.targets)), settings["updates"])
        return {"updates": settings["updates"]}

    return work


def e2v(settings: Values) -> Work:
    """Work: `e2v_linear` on mapped frames, the watched part after every epoch included."""
    features = _features(settings)
    folds, config = _own_folds(settings), e2v_linear.Config(epochs=settings["epochs"])

    def work() -> Values:
        trained = 0
        for fold in folds:
            train, watch = (features.labelled(rows) for rows in parts(len(features.targets), fold))
            e2v_linear.build(config, _shape(features), fold).fit(train, watch, _unheard)
            trained += len(train.targets) * config.epochs
        return {"utterance_epochs": trained}

    return work


def e2v_plain(settings: Values) -> Work:
    """Work: the released loop on the same frames, padded in a DataLoader."""
    features = _features(settings)
    train, watch = parts(len(features.targets), 0)

    def work() -> Values:
        emotion2vec_training(
            features, train, watch, epochs=settings["epochs"], seed=0, workers=settings["loaders"]
        )
        return {"utterance_epochs": len(train) * settings["epochs"]}

    return work


def gru_ours(settings: Values) -> Work:
    """Work: one epoch of `gru`, nothing watched."""
    features = _features(settings)
    rows = torch.arange(min(settings["utterances"], len(features.targets)))

    def work() -> Values:
        head = gru.build(gru.Config(epochs=1), _shape(features), 0)
        head.fit(features.labelled(rows), None, _unheard)
        return {"utterance_epochs": len(rows)}

    return work


def gru_plain(settings: Values) -> Work:
    """Work: the same epoch over padded batches."""
    features = _features(settings)
    rows = torch.arange(min(settings["utterances"], len(features.targets)))
    torch.manual_seed(0)
    model = MaskedGRU(int(features.values.shape[-1]))
    batches = loader(features, rows, 32, shuffle=True)

    def work() -> Values:
        one_epoch(model, batches, torch.optim.Adam(model.parameters(), lr=1e-4))
        return {"utterance_epochs": len(rows)}

    return work


def sweep(settings: Values) -> Work:
    """Work: `ridge` over all layers, strengths and folds, with the sums that folds share."""
    features = _features(settings)
    config = ridge.Config(alphas=list(ALPHAS))

    def work() -> Values:
        folds = [parts(len(features.targets), fold) for fold in range(FOLDS)]
        heads = _ridge_heads(features, config, [train for train, _ in folds])
        selected = []
        for head, (train, watch) in zip(heads, folds, strict=True):
            report = head.fit(features.labelled(train), features.labelled(watch), _unheard)
            selected.append(report.selected)
        return {"folds": FOLDS, "selected": selected}

    return work


def _ridge_heads(features: Features, config: ridge.Config, trains: Sequence[Tensor]) -> list[Head]:
    shape = _shape(features)
    whole = features.labelled(torch.arange(len(features.targets)))
    shared = ridge.share(config, shape, whole, trains)
    if shared is None:
        return [ridge.build(config, shape, 0) for _ in trains]
    return [ridge.build_shared(config, shape, 0, shared, fold) for fold in range(len(trains))]


def sweep_plain(settings: Values) -> Work:
    """Work: the same candidates of the first folds, one scikit-learn model each."""
    features = _features(settings)

    def work() -> Values:
        folds = [parts(len(features.targets), fold) for fold in range(settings["folds"])]
        return {"folds": settings["folds"], "selected": ridge_sweep(features, folds, ALPHAS)}

    return work


class Rows(NamedTuple):
    """Positions of the three parts."""

    train: Tensor
    watch: Tensor
    test: Tensor


def metrics(settings: Values) -> Work:
    """Work: train with several seeds, ours or the plain loop; the accuracy on utterances that neither has seen."""
    features = _features(settings)
    rows = Rows(*parts(len(features.targets), 0, THREE))
    reached = _REACHED[settings["head"], settings["who"]]

    def work() -> Values:
        found = [reached(features, rows, seed, settings["length"]) for seed in range(settings["seeds"])]
        return {"accuracies": [round(100 * one, 3) for one in found]}

    return work


def _ours(head: Head, features: Features, rows: Rows) -> float:
    head.fit(features.labelled(rows.train), features.labelled(rows.watch), _unheard)
    part = features.labelled(rows.test)
    return float((head.predict(part.view).argmax(1) == part.targets).float().mean())


def _ours_superb(features: Features, rows: Rows, seed: int, updates: int) -> float:
    """From time means, as a run does; the plain loop reads the frames that they are the means of."""
    borders = [0, *features.counts.cumsum(0).tolist()]
    means = torch.stack([features.values[first:last].mean(0) for first, last in pairwise(borders)])
    pooled = Features(means, features.targets, torch.ones_like(features.counts))
    config = superb_linear.Config(updates=updates, eval_every=50, lr=1e-3)
    return _ours(superb_linear.build(config, _shape(pooled), seed), pooled, rows)


def _plain_superb(features: Features, rows: Rows, seed: int, updates: int) -> float:
    rule = SuperbRule(updates=updates, eval_every=50, lr=1e-3)
    model = superb_training(features, rows.train, rows.watch, rule, seed)
    return accuracy(model, loader(features, rows.test, 128, shuffle=False))


def _ours_e2v(features: Features, rows: Rows, seed: int, epochs: int) -> float:
    head = e2v_linear.build(e2v_linear.Config(epochs=epochs), _shape(features), seed)
    return _ours(head, features, rows)


def _plain_e2v(features: Features, rows: Rows, seed: int, epochs: int) -> float:
    model = emotion2vec_training(features, rows.train, rows.watch, epochs=epochs, seed=seed)
    return accuracy(model, loader(features, rows.test, 128, shuffle=False))


_REACHED = MappingProxyType(
    {
        ("superb_linear", "ours"): _ours_superb,
        ("superb_linear", "plain"): _plain_superb,
        ("e2v_linear", "ours"): _ours_e2v,
        ("e2v_linear", "plain"): _plain_e2v,
    }
)
