"""What a trained head makes of the test utterances of one fold: trained where it is missing, kept in the cache."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from harness.cells import WholeView
from harness.contracts import EmbeddingHead, Fold, Shape
from harness.errors import ConfigError, did_you_mean
from harness.features import Features
from harness.fit import FoldViews, fit
from harness.paths import cache_root, written_beside
from harness.progress import progress
from harness.record import run_key
from harness.study import Study

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOG = logging.getLogger("harness")


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The test part of a fold, in the order of the fold."""

    vectors: NDArray[np.float32]
    """(utterances, width)."""
    logits: NDArray[np.float32]
    """(utterances, classes)."""
    selected: str
    """What the head says about its training."""


def chosen_fold(study: Study, name: str | None) -> Fold:
    """The fold of that name, the first without one.

    Raises:
        ConfigError: there is no such fold.
    """
    folds = {fold.name: fold for fold in study.folds.folds}
    if name is None:
        return study.folds.folds[0]
    if name not in folds:
        raise ConfigError(
            f"there is no fold called {name}",
            got=name,
            wanted=did_you_mean(name, folds),
            next_step="figure.fold=NAME, or leave it out for the first",
        )
    return folds[name]


def embedded(study: Study, fold: Fold) -> Embedded:
    """Vectors and logits of the test utterances, from the cache where this very head was trained before.

    Raises:
        ConfigError: the task has no classes, an example reads several utterances, several seeds are given, or
            the head cannot show vectors.
    """
    _check(study)
    path = cache_root() / "embeddings" / f"{run_key(_identity(study, fold))[:32]}.npz"
    if not study.config.force:
        with suppress(OSError, ValueError, KeyError, BadZipFile):
            return _read(path)
    made = _trained(study, fold)
    _write(path, made)
    return made


def _identity(study: Study, fold: Fold) -> Mapping[str, Any]:
    return {"cells": study.cell_key, "fold": fold.name, "seed": study.config.seeds[0], "format": 1}


def _check(study: Study) -> None:
    classes = study.examples.classes
    if study.examples.kind != "classes" or any(len(one.utterances) != 1 for one in study.examples.examples):
        raise ConfigError(
            "this figure shows utterances with one class each",
            got=f"the task {study.task.name}",
            wanted="a task that gives every utterance one class",
            next_step="task=emotion",
        )
    if len(study.config.seeds) != 1:
        raise ConfigError(
            "a picture shows one training",
            got=f"seeds {study.config.seeds}",
            wanted="one seed",
            next_step="seeds=[0], one picture per seed",
        )
    layers, dim = 1, max(1, study.config.upstream.dim)
    head = study.head.module.build(
        study.head.settings, Shape(layers, dim, len(classes)), study.config.seeds[0]
    )
    if not isinstance(head, EmbeddingHead):
        raise ConfigError(
            f"the head {study.head.name} cannot show what it has learnt to see",
            got=f"head={study.head.name}, which has no `embed`",
            wanted="a head with a method `embed`, such as e2v_linear",
            next_step="head=e2v_linear",
        )


def _trained(study: Study, fold: Fold) -> Embedded:
    features = Features(study)
    features.prepare(fold)
    views: FoldViews = WholeView(study, features).views(fold)
    name = study.config.upstream.name
    with progress(f"training on {name}") as advance:
        head, report = fit(
            study.head.module,
            study.head.settings,
            views,
            classes=len(study.examples.classes),
            select=study.folds.select,
            seed=study.config.seeds[0],
            progress=lambda share: advance(share, 1.0),
        )
    _LOG.info("%s: %s", name, report.selected)
    if not isinstance(head, EmbeddingHead):
        raise TypeError(f"{study.head.name} could embed before it was trained")
    vectors, logits = head.embed(views.test.view).numpy(), head.predict(views.test.view).numpy()
    return Embedded(vectors=vectors, logits=logits, selected=report.selected)


def _read(path: Path) -> Embedded:
    import numpy as np

    with np.load(path, allow_pickle=False) as kept:
        return Embedded(vectors=kept["vectors"], logits=kept["logits"], selected=str(kept["selected"]))


def _write(path: Path, made: Embedded) -> None:
    import numpy as np

    with written_beside(path) as temporary, temporary.open("wb") as file:
        np.savez(file, vectors=made.vectors, logits=made.logits, selected=np.array(made.selected))
