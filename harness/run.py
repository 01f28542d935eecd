"""The story of a number, in the order in which it happens.

corpus -> manifest -> examples -> folds -> features -> head -> predictions -> scores -> record -> pictures, MLflow.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness import record as records
from harness.audit import audit_split
from harness.cells import Cell, recorded, train, wanted
from harness.clock import Clock
from harness.config import RunConfig
from harness.features import Features, extraction_summary
from harness.plots import confusion_picture
from harness.predictions import Predictions, concatenate, write_predictions
from harness.record import Record
from harness.statistics import Scores, score
from harness.study import Study, plan
from harness.track import CellLog, log_run

_LOG = logging.getLogger("harness")


def run(config: RunConfig) -> Record:
    """Carry out a recipe, or read its record where it is recorded already.

    Raises:
        HarnessError: bad input, told before anything expensive begins wherever that is possible.
    """
    clock = Clock()
    with clock.phase("corpus"):
        study = plan(config)
    known = None if config.force else records.find(study.results, study.key)
    if known is not None:
        _LOG.info("recorded already: nothing is extracted, nothing is trained (force=true does it again)")
        return known
    features = Features(study)
    cells = _make_cells(study, features, clock)
    with clock.phase("score"):
        predictions = concatenate([cell.predictions for cell in cells])
        scores = score(predictions, metrics=config.metrics, resamples=config.resamples)
    record = _explain(study, features, cells, scores, clock)
    _publish(study, record, cells, predictions)
    return record


def extract_only(config: RunConfig) -> str:
    """Fill the store for a recipe, train nothing; returns what was done."""
    study = plan(config)
    features = Features(study)
    for fold in study.folds.folds:
        features.prepare(fold)
    done = extraction_summary(features.reports)
    if not done:
        return "everything is stored already: nothing was extracted"
    return (
        f"extracted {done['utterances']} utterances, {done['audio_s']:.1f} s of audio, in {done['wall_s']:.1f} s "
        f"({done['s_per_audio_s']:.4f} s per second of audio, {100 * done['padding_share']:.1f} % padding)"
    )


def _make_cells(study: Study, features: Features, clock: Clock) -> list[Cell]:
    """Extract what is missing, then train what is missing."""
    done = recorded(study)
    if len(done) < len(wanted(study)):
        with clock.phase("extract"):
            for fold in study.folds.folds:
                features.prepare(fold)
    with clock.phase("train"):
        return train(study, features, done)


def _explain(study: Study, features: Features, cells: Sequence[Cell], scores: Scores, clock: Clock) -> Record:
    config = study.config
    return Record(
        key=study.key,
        recipe=config.recipe,
        about=config.about,
        recipe_version=config.version,
        overrides=records.public_overrides(config.overrides),
        corpus=_corpus_facts(study),
        task={"name": study.task.name, "settings": asdict(study.task.settings), **_examples_facts(study)},
        protocol=_protocol_facts(study),
        upstream=_upstream_facts(study, features),
        view=asdict(study.view),
        head=study.head.identity,
        seeds=config.seeds,
        selected=[
            {"fold": c.fold, "seed": c.seed, "selected": c.selected, "wall_s": c.wall_s} for c in cells
        ],
        scores=asdict(scores),
        timings=clock.phases,
        extraction=extraction_summary(features.reports),
        expected=asdict(config.expected) if config.expected else None,
        ranked=not study.folds.saw_test,
        notes=study.notes(),
        environment=records.environment(Path(__file__).resolve().parent.parent),
        created=records.now(),
    )


def _corpus_facts(study: Study) -> dict[str, Any]:
    manifest = study.manifest
    return {
        "name": manifest.facts.name,
        "title": manifest.facts.title,
        "synthetic": manifest.facts.synthetic,
        "licence": manifest.facts.licence,
        "content": manifest.content_hash(),
        "utterances": len(manifest),
        "hours": round(float(manifest.table["duration_s"].sum()) / 3600, 4),
        "faults": [str(fault) for fault in manifest.faults],
        "dropped": dict(manifest.dropped),
    }


def _examples_facts(study: Study) -> dict[str, Any]:
    return {
        "classes": list(study.examples.classes),
        "examples": len(study.examples.examples),
        "dropped": dict(study.examples.dropped),
    }


def _protocol_facts(study: Study) -> dict[str, Any]:
    audit = audit_split(study.folds, study.examples.examples, study.examples.classes)
    return {"name": study.split.name, "settings": asdict(study.split.settings), **audit.to_dict()}


def _upstream_facts(study: Study, features: Features) -> dict[str, Any]:
    card = study.config.upstream
    facts = {"about": card.about, "licence": card.licence, "trained_on": list(card.trained_on)}
    return {**study.upstream_identity, **facts, "calibration": features.calibration}


def _publish(study: Study, record: Record, cells: Sequence[Cell], predictions: Predictions) -> None:
    """Predictions, record and picture to disk; only then MLflow."""
    stored = study.results / "predictions" / f"{record.stem}.parquet"
    write_predictions(predictions, stored)
    path = records.save(study.results, record)
    picture = confusion_picture(record, study.results / "plots" / f"{record.stem}.png")
    if study.config.track:
        log_run(
            study.results,
            record,
            [_cell_log(cell, study.config.metrics) for cell in cells],
            [path, stored, picture],
        )


def _cell_log(cell: Cell, metrics: Sequence[str]) -> CellLog:
    """What MLflow is told of one fold and seed."""
    scores = score(cell.predictions, metrics=metrics, resamples=1).metrics
    return CellLog(
        fold=cell.fold,
        seed=cell.seed,
        scores={name: 100 * figure.pooled for name, figure in scores.items()},
        history=cell.history,
        selected=cell.selected,
    )
