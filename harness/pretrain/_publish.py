"""What a finished run leaves behind: weights, history, picture, card, and a record that explains them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness import record as records
from harness import registry
from harness.contracts import Objective
from harness.paths import write_text
from harness.plots import training_picture
from harness.pretrain._export import write_card, write_student, write_weights
from harness.pretrain._history import History
from harness.pretrain._place import Place
from harness.pretrain._state import drop_state
from harness.pretrain._train import Trainer
from harness.pretrain._work import Pretraining

_LOG = logging.getLogger("harness")
PLACES = ("roots.", "audio", "init.path", "results", "device", "batch.threads")
"""Overrides that say where something lies on a machine, and shape nothing."""


def publish(work: Pretraining, objective: Objective, history: History, record: Mapping[str, Any]) -> None:
    """Weights, history and picture, then the card, and the record last: with it the run counts as done."""
    place = work.place
    write_weights(place, objective, record["updates"])
    title = f"{place.name} · {record['hours']:.2f} h · {record['updates']} updates"
    training_picture(history.rows, title, place.folder / "loss.png")
    history.finish(place.folder / "history.csv")
    write_card(place, _card(work, place, objective, record["updates"]))
    write_text(place.record, json.dumps(record, indent=1) + "\n")
    history.drop()
    drop_state(place.folder)
    _LOG.info("%s is ready: python -m harness run recipe=NAME upstream=%s", place.folder, place.name)


def keep_milestone(work: Pretraining, objective: Objective, updates: int) -> None:
    """The model after so many updates, as an upstream of its own: weights and card."""
    place = work.place.at(updates)
    write_student(place, objective)
    write_card(place, _card(work, place, objective, updates))
    _LOG.info("kept after update %d: upstream=%s", updates, place.name)


def explain(work: Pretraining, trainer: Trainer, objective: Objective, history: History) -> dict[str, Any]:
    """Everything behind a pre-trained model; places on this machine are left out."""
    plan = work.plan
    return {
        "schema": 1,
        "kind": "pretraining",
        "key": work.key,
        "name": work.place.name,
        "recipe": plan.recipe,
        "about": plan.about,
        "recipe_version": plan.version,
        "overrides": [word for word in plan.overrides if not word.lstrip("+").startswith(PLACES)],
        **work.shape(),
        "guard": asdict(plan.guard),
        "code": registry.code_version(work.module),
        "sources": [source._asdict() for source in work.audio.sources],
        "fold": work.audio.fold and {**work.audio.fold, "start_trained_on_corpus": work.start_heard_test},
        "utterances": len(work.audio.clips),
        "hours": round(work.audio.hours, 4),
        "trained_on": _trained_on(work),
        "updates": trainer.updates,
        "epochs": trainer.run.order.epoch(trainer.updates),
        "processes": trainer.team.size,
        "device": trainer.team.device.partition(":")[0],
        "wall_s": round(trainer.wall_s, 3),
        "audio_heard_h": round(trainer.heard_s / 3600, 4),
        "parameters": objective.card()["parameters"],
        "last": history.rows[-1],
        "environment": records.environment(Path(__file__).resolve().parent.parent.parent),
        "created": records.now(),
    }


def _trained_on(work: Pretraining) -> list[str]:
    """Corpora of the checkpoint that it started from, then its own."""
    return list(dict.fromkeys([*work.start.trained_on, *work.audio.trained_on]))


def _card(work: Pretraining, place: Place, objective: Objective, updates: int) -> dict[str, Any]:
    licences = dict.fromkeys(source.licence for source in work.audio.sources)
    about = f"pre-trained here: {work.plan.about}; {work.audio.hours:.2f} h, {updates} updates."
    fold = work.audio.fold
    if fold:
        about += f" Nothing of the test part of {fold['recipe']}, fold {fold['fold']}"
        about += ", but the start was itself trained on that corpus." if work.start_heard_test else "."
    return {
        "name": place.name,
        "family": work.module.FAMILY,
        "about": about,
        "licence": f"as the audio it was trained on allows: {'; '.join(licences)}",
        "source": f"python -m harness pretrain recipe={work.plan.recipe}, record {work.key[:16]}",
        "sample_rate_hz": 16_000,
        **objective.card(),
        "trained_on": _trained_on(work) if updates else list(work.start.trained_on),
        "hub_id": "",
        "revision": "",
    }
