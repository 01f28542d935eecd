"""The story of a pre-training, in the order in which it happens.

plan -> audio -> micro-batches -> objective -> the loop -> weights, card, record, pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from harness.contracts import Objective
from harness.errors import ConfigError
from harness.paths import write_text
from harness.pretrain._batches import Order
from harness.pretrain._config import Plan
from harness.pretrain._feed import Feed
from harness.pretrain._history import History
from harness.pretrain._place import Place
from harness.pretrain._publish import explain, keep_milestone, publish
from harness.pretrain._state import drop_state
from harness.pretrain._stop import stop_signals
from harness.pretrain._team import Team, team
from harness.pretrain._train import Run, Trainer
from harness.pretrain._watch import Silent, Watch
from harness.pretrain._work import Pretraining, work_out
from harness.progress import progress
from harness.track import Curves

_LOG = logging.getLogger("harness")


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
        known = work.place.finished(work.key)
        if known is not None and not plan.force:
            _refuse_unkept(work)
            _LOG.info("%s is trained already: nothing is done (force=true does it again)", work.place.name)
            return known if chosen.leads else None
        return _carry_out(work, chosen)


def _refuse_unkept(work: Pretraining) -> None:
    """A finished run cannot say what it was on its way."""
    unkept = [
        number for number in sorted(work.rules.milestones) if not work.place.at(number).weights.is_file()
    ]
    if unkept:
        raise ConfigError(
            f"{work.place.name} is trained already, and these milestones were not kept",
            got=f"milestones={unkept}",
            wanted="the ones that were asked for when it was trained",
            next_step="leave them out, or set force=true to train it again and keep them",
        )


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
    History(place.folder).drop()
    place.record.unlink(missing_ok=True)
    (place.folder / "mlflow_run.txt").unlink(missing_ok=True)


def _say_sizes(work: Pretraining, objective: Objective) -> None:
    if work.start_heard_test:
        _LOG.warning(
            "the checkpoint that it starts from was itself trained on this corpus, test parts included"
        )
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
        keep = partial(keep_milestone, work, objective)
        trainer.train(Watch(history, curves, advance, keep), stopped)
    record = explain(work, trainer, objective, history)
    publish(work, objective, history, record)
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
