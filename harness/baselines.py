"""What stands beside a number: the same folds and metrics, predicted without a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.predictions import Predictions
from harness.progress import progress
from harness.shortcuts import Guessed, Targets, cues_of, guess
from harness.sketch import sketch_manifest
from harness.statistics import score
from harness.study import Study

if TYPE_CHECKING:
    import pandas as pd


def shortcut_scores(study: Study) -> dict[str, Any]:
    """The shortcuts of a study, fitted on its training parts and scored on its test parts, for the record.

    Returns:
        Name of a shortcut -> `title`; `undefined`, why it says nothing here (else empty); `known`, the share of
        tested examples whose speaker or sentence training holds; and `metrics`, each with `fold_mean` and
        `pooled`, an interval for both, and how they are shown.
    """
    levels_dbfs = _levels(study)
    examples, classes = study.examples.examples, study.examples.classes
    cues = cues_of(examples, study.manifest.table, levels_dbfs)
    guesses = guess(
        study.folds.folds, examples, Targets(classes, study.examples.kind), cues, run=study.cell_key[:24]
    )
    return {guessed.name: _entry(guessed, study) for guessed in guesses}


def _levels(study: Study) -> pd.Series:
    """Level of every utterance, by its id, measured corpus by corpus."""
    import pandas as pd

    levels = []
    for source in study.sources:
        with progress(f"measuring levels of {source.manifest.facts.name}") as advance:
            table = sketch_manifest(source.manifest, advance).table
        names = [f"{source.prefix}{name}" for name in table.index]
        levels.append(pd.Series(table["level_dbfs"].to_numpy(), index=names))
    measured: pd.Series = pd.concat(levels)
    return measured


def _entry(guessed: Guessed, study: Study) -> dict[str, Any]:
    said = {"title": guessed.title, "undefined": guessed.undefined, "known": guessed.known}
    return {**said, "metrics": {} if guessed.predictions is None else _metrics(guessed.predictions, study)}


def _metrics(predictions: Predictions, study: Study) -> Mapping[str, Any]:
    scores = score(predictions, metrics=study.metrics, resamples=study.config.resamples)
    figures = ("fold_mean", "fold_mean_interval", "pooled", "pooled_interval", "percent", "lower_is_better")
    plain = {name: asdict(figure) for name, figure in scores.metrics.items()}
    return {name: {figure: values[figure] for figure in figures} for name, values in plain.items()}
