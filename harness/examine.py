"""`audit`: the story of a diagnosis, in the order in which it happens.

corpus -> manifest -> examples -> folds -> sketches of the sound -> diagnosis -> stored predictions -> report.
Nothing is refused for leaking: that is what is to be told. No model is loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from harness import registry
from harness.config import HEADLINE_METRICS, CorpusConfig, RunConfig
from harness.contracts import Corpus, Example, Splitter
from harness.corpora import read_names
from harness.doctor import Cleaned, Diagnosis, diagnose, score_minus_leak
from harness.doctor.clean import fits
from harness.doctor.report import Report, terminal, write
from harness.joint import label_notes
from harness.manifest import Manifest
from harness.predictions import read_predictions
from harness.progress import progress
from harness.sketch import Sketches, sketch_manifest
from harness.splits import cut_folds
from harness.study import manifest_by, over_shared_labels, plugin, read_corpus

_LOG = logging.getLogger("harness")


def examine(config: RunConfig, *, audio: bool = True, predictions: Sequence[Path] = ()) -> Report:
    """Diagnose the split of a recipe, and score what is stored for it without its leaks.

    Args:
        config: the recipe; its upstream and head are not looked at.
        audio: False reads names and labels alone, and says nothing about the sound.
        predictions: files of predictions on these folds, beside those under the results folder.

    Raises:
        HarnessError: no such corpus, or no folds that anything could be said about.
    """
    manifest = manifest_by(config, read_corpus if audio else _names)
    task, split = plugin("tasks", config.task), plugin("splits", config.split)
    task = over_shared_labels(task, manifest)
    found = task.module.examples(manifest.table, task.settings)
    folds = cut_folds(cast(Splitter, split.module), found.examples, split.settings)
    sketches = _sketches(manifest) if audio else None
    classes = () if found.kind == "scales" else found.classes
    diagnosis = diagnose(manifest, found.examples, folds, classes, sketches)
    return Report(
        recipe=config.recipe,
        about=config.about,
        corpus_title=manifest.facts.title,
        examples=len(found.examples),
        diagnosis=diagnosis,
        cleaned=tuple(_rescored(config, diagnosis, predictions)),
        notes=(*_notes(manifest), *label_notes(manifest, found.classes, _read_by(found.examples))),
    )


def audit(config: RunConfig, *, audio: bool = True, predictions: Sequence[Path] = ()) -> str:
    """Examine, write the report under the results folder, and return it as text."""
    report = examine(config, audio=audio, predictions=predictions)
    _, page = write(report, Path(config.results))
    return f"{terminal(report)}\n\nreport: audits/{page.stem}.md and .json under the results folder"


def _names(corpus: CorpusConfig) -> Manifest:
    return read_names(cast(Corpus, registry.load("corpora", corpus.name)), corpus.root)


def _sketches(manifest: Manifest) -> Sketches:
    with progress(f"listening to {manifest.facts.name}") as advance:
        return sketch_manifest(manifest, advance)


def _notes(manifest: Manifest) -> tuple[str, ...]:
    facts = manifest.facts
    said = [f"SYNTHETIC audio: {facts.title}"] if facts.synthetic else []
    said += [f"{count} utterances were left out: {kind}" for kind, count in manifest.dropped.items()]
    return tuple(said)


def _read_by(examples: Sequence[Example]) -> list[str]:
    return [name for example in examples for name in example.utterances]


def _rescored(config: RunConfig, diagnosis: Diagnosis, given: Sequence[Path]) -> list[Cleaned]:
    """Score minus leak of every run of the recipe on these folds; runs on other folds are told and passed over."""
    stored = sorted((Path(config.results) / "predictions").glob(f"{config.recipe}--*.parquet"))
    known = {path.resolve() for path in given}
    cleaned = []
    for path in (*given, *(path for path in stored if path.resolve() not in known)):
        predictions = read_predictions(path)
        if path in given or fits(predictions, diagnosis):
            metrics = config.metrics or HEADLINE_METRICS[predictions.kind]
            run = score_minus_leak(
                predictions, diagnosis, run=path.stem, metrics=metrics, resamples=config.resamples
            )
            cleaned.append(run)
        else:
            _LOG.info("%s is of other folds and is not scored again", path.name)
    return cleaned
