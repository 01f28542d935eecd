"""What stands beside a number: the same folds and metrics, predicted without a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from harness.predictions import Predictions
from harness.progress import progress
from harness.shortcuts import Guessed, cues_of, guess
from harness.sketch import sketch_manifest
from harness.statistics import score
from harness.study import Study


def shortcut_scores(study: Study) -> dict[str, Any]:
    """The shortcuts of a study, fitted on its training parts and scored on its test parts, for the record.

    Returns:
        Name of a shortcut -> `title`; `undefined`, why it says nothing here (else empty); `known`, the share of
        tested examples whose speaker or sentence training holds; and `metrics`, each with `fold_mean` and `pooled`
        as shares and an interval for both.
    """
    with progress(f"measuring levels of {study.manifest.facts.name}") as advance:
        levels_dbfs = sketch_manifest(study.manifest, advance).table["level_dbfs"]
    examples, classes = study.examples.examples, study.examples.classes
    cues = cues_of(examples, study.manifest.table, levels_dbfs)
    guesses = guess(study.folds.folds, examples, classes, cues, run=study.cell_key[:24])
    return {guessed.name: _entry(guessed, study) for guessed in guesses}


def _entry(guessed: Guessed, study: Study) -> dict[str, Any]:
    said = {"title": guessed.title, "undefined": guessed.undefined, "known": guessed.known}
    return {**said, "metrics": {} if guessed.predictions is None else _metrics(guessed.predictions, study)}


def _metrics(predictions: Predictions, study: Study) -> Mapping[str, Any]:
    scores = score(predictions, metrics=study.config.metrics, resamples=study.config.resamples)
    figures = ("fold_mean", "fold_mean_interval", "pooled", "pooled_interval")
    plain = {name: asdict(figure) for name, figure in scores.metrics.items()}
    return {name: {figure: values[figure] for figure in figures} for name, values in plain.items()}
