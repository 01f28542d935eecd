"""The story of a number, in the order in which it happens.

corpus -> manifest -> examples -> folds -> features -> head -> predictions -> scores, and the shortcuts beside them
-> record -> pictures, MLflow.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from harness import inputs
from harness import record as records
from harness.adapt import calibration_notes
from harness.audit import audit_split
from harness.baselines import shortcut_scores
from harness.cells import Cell, recorded, train, wanted
from harness.clock import Clock
from harness.config import RunConfig
from harness.features import Features, extraction_summary
from harness.joint import left_out
from harness.manifest import Manifest
from harness.metrics import shown
from harness.plots import confusion_picture
from harness.predictions import Predictions, concatenate, write_predictions
from harness.record import Record
from harness.statistics import Scores, score
from harness.study import Plugin, Study, plan
from harness.track import CellLog, log_run

_LOG = logging.getLogger("harness")


class Outcome(NamedTuple):
    """What a run came to, before it is told."""

    cells: list[Cell]
    predictions: Predictions
    scores: Scores
    shortcuts: dict[str, Any]
    """What the same folds give without a model."""


def run(config: RunConfig) -> Record:
    """Carry out a recipe, or read its record where it is recorded already.

    Raises:
        HarnessError: bad input, told before anything expensive begins wherever that is possible.
    """
    clock = Clock()
    with clock.phase("corpus"):
        study = plan(config)
    return carry_out(study, clock)


def carry_out(study: Study, clock: Clock) -> Record:
    """From a study that is worked out to its record, from disk where it is recorded already.

    Raises:
        HarnessError: what a model, a head or a disk may bring.
    """
    known = None if study.config.force else records.find(study.results, study.key)
    if known is not None:
        _LOG.info("recorded already: nothing is extracted, nothing is trained (force=true does it again)")
        return known if known.shortcuts else _completed(study, known)
    features = Features(study)
    cells = _make_cells(study, features, clock)
    with clock.phase("shortcuts"):
        shortcuts = shortcut_scores(study)
    with clock.phase("score"):
        predictions = concatenate([cell.predictions for cell in cells])
        scores = score(predictions, metrics=study.metrics, resamples=study.config.resamples)
    outcome = Outcome(cells, predictions, scores, shortcuts)
    record = _explain(study, features, outcome, clock)
    _publish(study, record, outcome)
    return record


def _completed(study: Study, known: Record) -> Record:
    """A record from before the shortcuts stood in it, with them; its own numbers stay as they are."""
    record = replace(known, shortcuts=shortcut_scores(study), schema=records.SCHEMA)
    records.save(study.results, record)
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


def _explain(study: Study, features: Features, outcome: Outcome, clock: Clock) -> Record:
    config = study.config
    return Record(
        key=study.key,
        recipe=config.recipe,
        about=config.about,
        recipe_version=config.version,
        overrides=records.public_overrides(config.overrides),
        corpus=_corpus_facts(study),
        task={
            "name": study.task.name,
            "settings": _without_places("task", study.task),
            **_examples_facts(study),
        },
        protocol=_protocol_facts(study),
        upstream=_upstream_facts(study, features),
        view=asdict(study.view),
        head=study.head.identity,
        seeds=config.seeds,
        selected=[
            {"fold": c.fold, "seed": c.seed, "selected": c.selected, "wall_s": c.wall_s}
            for c in outcome.cells
        ],
        scores=asdict(outcome.scores),
        shortcuts=outcome.shortcuts,
        timings=clock.phases,
        extraction=extraction_summary(features.reports),
        expected=asdict(config.expected) if config.expected else None,
        ranked=not study.folds.saw_test,
        notes=[*study.notes(), *calibration_notes([cell.correction for cell in outcome.cells])],
        environment=records.environment(Path(__file__).resolve().parent.parent),
        created=records.now(),
        adapted=_adapted_facts(study, outcome),
    )


def _adapted_facts(study: Study, outcome: Outcome) -> dict[str, Any]:
    """The switches that are on, whom they reached, and what each cell's correction came to."""
    groups = study.speaker_groups(study.utterances())
    fallback = {} if groups is None else {"by_corpus": {"unnamed": groups.unnamed, "rare": groups.rare}}
    cells = [{"fold": c.fold, "seed": c.seed, **c.correction} for c in outcome.cells if c.correction]
    return study.adapted | fallback | ({"cells": cells} if cells else {})


def _corpus_facts(study: Study) -> dict[str, Any]:
    """The tested corpus; where others train, those too, with what every one of them gives and leaves out."""
    *training, tested = (_facts_of(source.manifest) for source in study.sources)
    if not training:
        return tested
    unused = left_out(study.manifest, study.utterances())
    for facts in (*training, tested):
        facts["left_out"] = unused[facts["name"]]
        facts["examples"] = facts["utterances"] - sum(facts["left_out"].values())
    return tested | {"trained_on": training, "synthetic": study.manifest.facts.synthetic}


def _facts_of(manifest: Manifest) -> dict[str, Any]:
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
        "kind": study.examples.kind,
        "examples": len(study.examples.examples),
        "dropped": dict(study.examples.dropped),
    }


def _protocol_facts(study: Study) -> dict[str, Any]:
    audit = audit_split(study.folds, study.examples.examples, study.examples.classes)
    return {"name": study.split.name, "settings": _without_places("split", study.split), **audit.to_dict()}


def _without_places(kind: str, part: Plugin) -> dict[str, Any]:
    """The settings of a task or split, but for where files lie on this machine."""
    settings = asdict(part.settings)
    return {key: value for key, value in settings.items() if f"{kind}.{key}" not in records.PLACES}


def _upstream_facts(study: Study, features: Features) -> dict[str, Any]:
    return {**study.upstream_identity, **inputs.facts(study.config), "calibration": features.calibration}


def _publish(study: Study, record: Record, outcome: Outcome) -> None:
    """Predictions, record and picture to disk; only then MLflow."""
    stored = study.results / "predictions" / f"{record.stem}.parquet"
    write_predictions(outcome.predictions, stored)
    path = records.save(study.results, record)
    picture = study.results / "plots" / f"{record.stem}.png"
    pictures = [confusion_picture(record, picture)] if outcome.scores.confusion else []
    if study.config.track:
        log_run(
            study.results,
            record,
            [_cell_log(cell, study.metrics) for cell in outcome.cells],
            [path, stored, *pictures],
        )


def _cell_log(cell: Cell, metrics: Sequence[str]) -> CellLog:
    """What MLflow is told of one fold and seed."""
    scores = score(cell.predictions, metrics=metrics, resamples=1).metrics
    return CellLog(
        fold=cell.fold,
        seed=cell.seed,
        scores={name: shown(asdict(figure), figure.pooled) for name, figure in scores.items()},
        history=cell.history,
        selected=cell.selected,
    )
