"""The story of a pre-training, in the order in which it happens.

plan -> audio -> micro-batches -> objective -> the loop -> weights, card, record, pictures.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from harness import config, registry
from harness import record as records
from harness.contracts import Objective
from harness.paths import write_text
from harness.plots import training_picture
from harness.pretrain._audio import UNKNOWN, Audio, gather
from harness.pretrain._batches import Batch, Order, batches_by_length
from harness.pretrain._config import Plan
from harness.pretrain._export import write_card, write_weights
from harness.pretrain._feed import Feed
from harness.pretrain._history import History
from harness.pretrain._optimiser import resolved
from harness.pretrain._place import Place, default_name
from harness.pretrain._start import Origin, origin
from harness.pretrain._state import drop_state
from harness.pretrain._stop import stop_signals
from harness.pretrain._team import Team, team
from harness.pretrain._train import Rules, Run, Trainer
from harness.pretrain._watch import Silent, Watch
from harness.progress import progress
from harness.track import Curves

_LOG = logging.getLogger("harness")
PLACES = ("roots.", "audio", "init.path", "results", "device", "batch.threads")
"""Overrides that say where something lies on a machine, and shape nothing."""


class Pretraining(NamedTuple):
    """A plan, worked out against the audio on disk."""

    plan: Plan
    module: ModuleType
    settings: Any
    """Of the objective, typed."""
    audio: Audio
    batches: list[Batch]
    rules: Rules
    start: Origin
    place: Place

    @property
    def key(self) -> str:
        """Names the run: everything that shapes its weights, but for the code."""
        return records.run_key(self.shape())

    def shape(self) -> dict[str, Any]:
        """What the weights depend on."""
        batch = asdict(self.plan.batch)
        batch.pop("threads")
        return {
            "objective": {"name": self.plan.objective.name, "settings": asdict(self.settings)},
            "audio": self.audio.content,
            "init": self.start.identity,
            "seed": self.rules.seed,
            "batch": batch,
            "optimiser": asdict(self.rules.optimiser),
            "precision": self.rules.precision,
        }


def pretrain(plan: Plan) -> dict[str, Any] | None:
    """Carry out a plan, go on with it where it was stopped, or read its record where it is done.

    Returns:
        The record; None in processes of a team that do not lead.

    Raises:
        HarnessError: bad input, told before training begins wherever that is possible; or a run that is lost.
        KeyboardInterrupt: a signal; what is trained is saved, and the same plan goes on from there.
    """
    with team(plan.device) as chosen:
        chosen.check(plan.batch.per_update)
        work = work_out(plan, chosen)
        known = None if plan.force else work.place.finished(work.key)
        if known is not None:
            _LOG.info("%s is trained already: nothing is done (force=true does it again)", work.place.name)
            return known if chosen.leads else None
        return _carry_out(work, chosen)


def work_out(plan: Plan, chosen: Team) -> Pretraining:
    """Read the audio and check every setting; loads no model.

    Raises:
        HarnessError: anything that would make the run fail later, where it can be known now.
    """
    module = registry.load("objectives", plan.objective.name)
    settings = config.build(module.Config, plan.objective.settings, where="objective")
    start = origin(plan.init)
    with chosen.leader_first():
        audio = gather(plan)
    batches = batches_by_length([clip.samples for clip in audio.clips], plan.batch)
    optimiser = resolved(plan.optimiser, len(batches) / plan.batch.per_update)
    rules = Rules(
        plan.seed,
        plan.batch.per_update,
        optimiser,
        plan.guard,
        plan.precision,
        plan.log_every,
        plan.save_every,
    )
    name = plan.name or default_name(plan.recipe, _told(plan, audio))
    place = Place(Path(plan.results) / "pretrained" / name, name)
    return Pretraining(plan, module, settings, audio, batches, rules, start, place)


def _told(plan: Plan, audio: Audio) -> list[str]:
    """What a name says of the audio."""
    fold = [f"{audio.fold['recipe']}_{audio.fold['fold']}"] if audio.fold else []
    known = [name for name in audio.trained_on if not name.startswith(UNKNOWN)]
    folders = [Path(folder).expanduser().resolve().name for folder in plan.audio] if not known else []
    return [*fold, *(known if not fold else plan.corpora), *folders]


def _carry_out(work: Pretraining, chosen: Team) -> dict[str, Any] | None:
    plan, place = work.plan, work.place
    with chosen.leader_first():
        if plan.force and chosen.leads:
            _forget(place)
    objective = work.module.build(work.settings, work.start.path, plan.seed)
    order = Order(work.batches, plan.batch.per_update, plan.seed)
    _say_sizes(work, objective)
    with Feed(work.audio.clips, plan.batch.longest, plan.batch.threads) as feed:
        trainer = Trainer(Run(work.rules, objective, order, feed, chosen, place.folder, work.key))
        done = trainer.resume()
        chosen.agree(done)
        if not chosen.leads:
            with stop_signals() as stopped:
                trainer.train(Silent(), stopped)
            return None
        return _lead(work, trainer, objective, done)


def _forget(place: Place) -> None:
    """Begin anew: state and record of the run before are gone, its weights stay until new ones replace them."""
    drop_state(place.folder)
    place.record.unlink(missing_ok=True)
    (place.folder / "mlflow_run.txt").unlink(missing_ok=True)


def _say_sizes(work: Pretraining, objective: Objective) -> None:
    for remark in getattr(work.module, "remarks", lambda _: ())(work.settings):
        _LOG.warning(remark)
    per_epoch = len(work.batches) / work.rules.per_update
    _LOG.info(
        "%s: %.2f million parameters, %d utterances of %.2f h in %d micro-batches; %d updates of %d of them, "
        "%.1f epochs",
        work.place.name,
        objective.card()["parameters"] / 1e6,
        len(work.audio.clips),
        work.audio.hours,
        len(work.batches),
        work.rules.optimiser.updates,
        work.rules.per_update,
        work.rules.optimiser.updates / per_epoch,
    )


def _lead(work: Pretraining, trainer: Trainer, objective: Objective, done: int) -> dict[str, Any]:
    """Train, telling how it goes, and write what comes out."""
    place = work.place
    place.folder.mkdir(parents=True, exist_ok=True)
    if done:
        _LOG.info("going on after update %d", done)
    history = History(place.folder)
    history.take_up(done)
    curves = _curves(work) if work.plan.track else None
    with progress(f"pre-training {place.name}") as advance, stop_signals() as stopped:
        trainer.train(Watch(history, curves, advance), stopped)
    record = _record(work, trainer, objective, history)
    _publish(work, objective, history, record)
    if curves is not None:
        curves.end([place.record, place.folder / "history.csv", place.folder / "loss.png"])
    return record


def _curves(work: Pretraining) -> Curves:
    """The MLflow run of this pre-training, the same after an interruption."""
    noted = work.place.folder / "mlflow_run.txt"
    known = noted.read_text(encoding="utf-8").strip() if noted.is_file() else None
    curves = Curves(Path(work.plan.results), work.place.name, _flat(work.shape()), known)
    if curves.run_id and curves.run_id != known:
        write_text(noted, curves.run_id + "\n")
    return curves


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with dotted names.

    >>> _flat({"a": {"b": 1}, "c": 2})
    {'a.b': 1, 'c': 2}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _record(work: Pretraining, trainer: Trainer, objective: Objective, history: History) -> dict[str, Any]:
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
        "fold": work.audio.fold,
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


def _publish(work: Pretraining, objective: Objective, history: History, record: Mapping[str, Any]) -> None:
    """Weights, history and picture, then the card, and the record last: with it the run counts as done."""
    place = work.place
    write_weights(place, objective, record["updates"])
    title = f"{place.name} · {record['hours']:.2f} h · {record['updates']} updates"
    training_picture(history.rows, title, place.folder / "loss.png")
    history.finish(place.folder / "history.csv")
    write_card(place, _card(work, objective, record))
    write_text(place.record, json.dumps(record, indent=1) + "\n")
    drop_state(place.folder)
    _LOG.info("%s is ready: python -m harness run recipe=NAME upstream=%s", place.folder, place.name)


def _card(work: Pretraining, objective: Objective, record: Mapping[str, Any]) -> dict[str, Any]:
    licences = dict.fromkeys(source.licence for source in work.audio.sources)
    about = f"pre-trained here: {work.plan.about}; {record['hours']:.2f} h, {record['updates']} updates."
    if record["fold"]:
        about += f" Nothing of the test part of {record['fold']['recipe']}, fold {record['fold']['fold']}."
    return {
        "name": work.place.name,
        "family": work.module.FAMILY,
        "about": about,
        "licence": f"as the audio it was trained on allows: {'; '.join(licences)}",
        "source": f"python -m harness pretrain recipe={work.plan.recipe}, record {record['key'][:16]}",
        "sample_rate_hz": 16_000,
        **objective.card(),
        "trained_on": record["trained_on"],
        "hub_id": "",
        "revision": "",
    }
