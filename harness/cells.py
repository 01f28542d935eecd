"""Cells: one training per fold and seed, each recorded on its own, so that a killed run goes on where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from harness import scale
from harness.adapt import corrected, training_priors
from harness.contexts import ContextViews
from harness.contracts import Example, Fold, Head, Labelled, SharingHeadModule
from harness.errors import HarnessError
from harness.features import Features, Stores
from harness.fit import FoldViews, Shared, fit, labelled, shape_of
from harness.paths import write_text
from harness.predictions import Predictions, predictions_of, read_predictions, write_predictions
from harness.progress import Advance, progress
from harness.store import Pairs
from harness.study import Study, all_ids
from harness.whole import Whole, whole_view

TRAINING_GIB = 1.0
"""Memory of a training where `scale.memory_gib` does not say it: the interpreter, and what a head holds itself."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A finished training: what it predicted for the test part, and what it says about itself."""

    fold: str
    seed: int
    predictions: Predictions
    selected: str
    history: list[dict[str, float]]
    wall_s: float
    correction: dict[str, Any] = field(default_factory=dict)
    """What label-prior correction came to; empty where there was none."""


def cells_folder(study: Study) -> Path:
    """Where the cells of a study are kept."""
    return study.results / "cells" / study.cell_key[:24]


def wanted(study: Study) -> list[tuple[Fold, int]]:
    """Every fold with every seed, in order."""
    return [(fold, seed) for fold in study.folds.folds for seed in study.config.seeds]


def recorded(study: Study) -> dict[tuple[str, int], Cell]:
    """The cells that are on disk already; a damaged one counts as missing. Empty under `force=true`."""
    if study.config.force:
        return {}
    found = {}
    _beside(study).exchange(_stem(study, fold, seed).name for fold, seed in wanted(study))
    for fold, seed in wanted(study):
        with suppress(HarnessError, OSError, ValueError, KeyError):
            found[fold.name, seed] = _read(_stem(study, fold, seed), fold, seed)
    return found


def train(study: Study, features: Features, done: dict[tuple[str, int], Cell]) -> list[Cell]:
    """All cells of a study: the recorded ones as they are, the others trained and recorded one by one.

    Short trainings stay in this process; the cells of long ones go to the workers of `scale`.
    """
    todo = [Training(fold, seed) for fold, seed in wanted(study) if (fold.name, seed) not in done]
    with progress("training") as advance:
        left = todo
        if len(todo) < 2 or not scale.asked_for(study.config.scale):
            left = _here(Bench(study, features), todo, advance)
        if left:
            _by_workers(Bench(study, features), left, advance)
    _beside(study).exchange(_stem(study, one.fold, one.seed).name for one in todo)
    fresh = {(one.fold.name, one.seed): _read(_stem(study, *one), *one) for one in todo}
    return [(done | fresh)[fold.name, seed] for fold, seed in wanted(study)]


class Training(NamedTuple):
    """A cell that is still to be trained."""

    fold: Fold
    seed: int

    def __str__(self) -> str:
        return f"{self.fold.name}, seed {self.seed}"


@dataclass(frozen=True)
class Bench:
    """Where the cells of a study are trained, one after the other; each process has its own."""

    study: Study
    features: Features

    @cached_property
    def _whole(self) -> WholeView:
        return WholeView(self.study, self.features)

    @cached_property
    def _made(self) -> dict[str, FoldViews]:
        return {}

    def train(self, training: Training, advance: Callable[[float], None]) -> None:
        """Train a cell and record it."""
        fold, seed = training
        if fold.name not in self._made:  # a fold's views serve all its seeds
            self._made.clear()
            self._made[fold.name] = self._whole.views(fold)
        cell = _train_one(self.study, fold, self._made[fold.name], seed, advance)
        _record(self.study, fold, seed, cell)

    def __getstate__(self) -> tuple[Study, Features]:
        return self.study, self.features

    def __setstate__(self, state: tuple[Study, Features]) -> None:
        self.__dict__.update(study=state[0], features=state[1])


def _here(bench: Bench, todo: list[Training], advance: Advance) -> list[Training]:
    """Train in this process; what is found to take long is left to workers, where there are any."""
    needs, settings = _needs(bench.study), bench.study.config.scale
    workers = min(len(todo), scale.workers_here(settings, needs))
    look = scale.Look(len(todo), worth_it=workers > 1)
    with scale.limited(needs.threads):
        for number, training in enumerate(todo):
            try:
                bench.train(training, _part_of(look.over(advance), number, len(todo)))
            except scale.TooLongError:
                return todo[number:]
    return []


def _by_workers(bench: Bench, todo: list[Training], advance: Advance) -> None:
    study = bench.study
    for training in todo:  # under `force=true` older ones lie there
        _whole_if(study, *training).unlink(missing_ok=True)
    scale.run_cells(
        todo,
        _trained,
        bench,
        settings=study.config.scale,
        needs=_needs(study),
        done=lambda one: _whole_if(study, *one).is_file(),
        progress=advance,
    )


def _trained(bench: Bench, training: Training) -> None:
    """In a worker."""
    bench.train(training, lambda _: None)


def _needs(study: Study) -> scale.Needs:
    settings = study.config.scale
    return scale.Needs(
        threads=scale.threads_of(settings, len(wanted(study))),
        memory_gib=settings.memory_gib or TRAINING_GIB,
        gpus=settings.gpus or 0.0,
    )


def _part_of(advance: Advance, number: int, count: int) -> Callable[[float], None]:
    return lambda share: advance(number + share, count)


class _Served(NamedTuple):
    """What the folds of one store take their parts from."""

    rows: dict[str, int]
    whole: Whole
    work: object | None
    """What the folds have in common, where the head shares it."""


class WholeView:
    """The view of all utterances in any fold, read once; folds take their rows from it."""

    def __init__(self, study: Study, features: Features) -> None:
        self._study, self._features = study, features
        self._contexts = ContextViews(study, features)
        self._served: dict[int, _Served] = {}

    def views(self, fold: Fold) -> FoldViews:
        """Train, dev and test of a fold with their targets."""
        import torch

        if self._study.head.module.NEEDS == "contexts":
            return self._contexts.views(fold)
        store = self._features.prepare(fold)
        if id(store) not in self._served:
            self._served = {id(store): self._serve(store)}
        rows, whole, work = self._served[id(store)]

        def part(ids: tuple[str, ...]) -> Labelled:
            taken = whole.part(torch.tensor([rows[name] for name in ids], dtype=torch.int64))
            return labelled(taken, self._study.by_id(ids), self._study.examples.classes)

        return FoldViews(
            train=part(fold.train),
            dev=part(fold.dev) if fold.dev else None,
            test=part(fold.test),
            shared=None if work is None else Shared(work, self._study.folds.folds.index(fold)),
        )

    def _serve(self, stores: Stores) -> _Served:
        used = frozenset(all_ids(self._study.folds.folds))  # a protocol may leave examples out of every part
        ids = [example.id for example in self._study.examples.examples if example.id in used]
        whole, rows = self._read(stores, ids), {name: row for row, name in enumerate(ids)}
        return _Served(rows, whole, self._work(whole, rows))

    def _work(self, whole: Whole, rows: dict[str, int]) -> object | None:
        """What the folds have in common: nothing where features are calibrated fold by fold."""
        import torch

        module, classes = self._study.head.module, self._study.examples.classes
        if not isinstance(module, SharingHeadModule) or self._features.calibration:
            return None
        everything = labelled(whole.view, self._study.by_id(list(rows)), classes)
        trains = [torch.tensor([rows[name] for name in fold.train]) for fold in self._study.folds.folds]
        return module.share(self._study.head.settings, shape_of(whole.view, len(classes)), everything, trains)

    def _read(self, stores: Stores, ids: list[str]) -> Whole:
        read = [only_utterance(example) for example in self._study.by_id(ids)]
        return whole_view(self._study, self._features, stores, read)


def only_utterance(example: Example) -> str:
    """The one utterance that an utterance-level example reads."""
    (utterance,) = example.utterances
    return utterance


def _train_one(study: Study, fold: Fold, views: FoldViews, seed: int, advance: Any) -> Cell:  # noqa: ANN401
    start = time.perf_counter()
    classes = study.examples.classes
    fitted = fit(
        study.head.module,
        study.head.settings,
        views,
        classes=len(classes),
        select=study.folds.select,
        seed=seed,
        progress=advance,
    )
    logits, correction = _outputs(study, views, fitted.head)
    predictions = predictions_of(
        study.by_id(fold.test),
        logits,
        classes=classes,
        run=study.cell_key[:24],
        fold=fold.name,
        seed=seed,
        kind=study.examples.kind,
    )
    wall_s = round(time.perf_counter() - start, 3)
    return Cell(
        fold=fold.name,
        seed=seed,
        predictions=predictions,
        selected=fitted.report.selected,
        history=fitted.report.history,
        wall_s=wall_s,
        correction=correction,
    )


def _outputs(study: Study, views: FoldViews, head: Head) -> tuple[Any, dict[str, Any]]:
    """(tested, classes) float32 outputs, corrected for other class shares where asked for, and how."""
    logits = head.predict(views.test.view).numpy()
    how = study.config.prior
    if how == "none" or views.dev is None:
        return logits, {}
    trained = training_priors(views.train.targets.numpy(), len(study.examples.classes))
    dev_logits, dev_targets = head.predict(views.dev.view).numpy(), views.dev.targets.numpy()
    values, done = corrected(logits, trained, how, dev_logits=dev_logits, dev_targets=dev_targets)
    return values, done.to_dict()


def _stem(study: Study, fold: Fold, seed: int) -> Path:
    return cells_folder(study) / f"{fold.name}--seed{seed}"


def _whole_if(study: Study, fold: Fold, seed: int) -> Path:
    """The file that says that a cell is whole."""
    stem = _stem(study, fold, seed)
    return stem.with_name(f"{stem.name}.json")


def _beside(study: Study) -> Pairs:
    """The cells at the address of the store, where it has one."""
    folder = cells_folder(study)
    return Pairs(study.config.store, f"cells/{folder.name}", folder, (".parquet", ".json"))


def _record(study: Study, fold: Fold, seed: int, cell: Cell) -> None:
    """Keep a cell: on this disk, and beside the store where that is elsewhere."""
    stem = _stem(study, fold, seed)
    _write(stem, cell)
    _beside(study).send(stem.name)


def _write(stem: Path, cell: Cell) -> None:
    """Predictions first: the small JSON file beside them says that the cell is whole."""
    write_predictions(cell.predictions, stem.with_name(f"{stem.name}.parquet"))
    said = {"selected": cell.selected, "history": cell.history, "wall_s": cell.wall_s}
    said |= {"correction": cell.correction} if cell.correction else {}
    write_text(stem.with_name(f"{stem.name}.json"), json.dumps(said))


def _read(stem: Path, fold: Fold, seed: int) -> Cell:
    said = json.loads(stem.with_name(f"{stem.name}.json").read_text(encoding="utf-8"))
    predictions = read_predictions(stem.with_name(f"{stem.name}.parquet"))
    return Cell(fold=fold.name, seed=seed, predictions=predictions, **said)
