"""A plan, worked out against the audio on disk, before a model is built."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from harness import config, registry
from harness import record as records
from harness.errors import ConfigError
from harness.pretrain._audio import UNKNOWN, Audio, gather
from harness.pretrain._batches import Batch, batches_by_length
from harness.pretrain._config import Plan
from harness.pretrain._optimiser import resolved
from harness.pretrain._place import Place, default_name
from harness.pretrain._start import Origin, origin
from harness.pretrain._team import Team
from harness.pretrain._train import Rules


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

    @property
    def start_heard_test(self) -> bool:
        """Whether the checkpoint that it starts from was trained on the corpus whose test audio is kept away."""
        return self.audio.fold is not None and self.audio.fold["corpus"] in self.start.trained_on

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
        milestones=_milestones(plan, optimiser.updates),
    )
    name = plan.name or default_name(plan.recipe, _told(plan, audio))
    place = Place(Path(plan.results) / "pretrained" / name, name)
    work = Pretraining(plan, module, settings, audio, batches, rules, start, place)
    for number in rules.milestones:
        place.at(number).refuse_taken(work.key)
    return work


def _milestones(plan: Plan, updates: int) -> frozenset[int]:
    """The updates to keep a model after.

    Raises:
        ConfigError: the run ends before one of them.
    """
    late = [number for number in plan.milestones if number >= updates]
    if late:
        raise ConfigError(
            "a milestone lies behind the end of the run",
            got=f"milestones={late}, {updates} updates",
            wanted=f"numbers from 0 to {updates - 1}; the last model is kept anyway",
            next_step="leave it out, or train longer",
        )
    return frozenset(plan.milestones)


def _told(plan: Plan, audio: Audio) -> list[str]:
    """What a name says of the audio."""
    fold = [f"{audio.fold['recipe']}_{audio.fold['fold']}"] if audio.fold else []
    known = [name for name in audio.trained_on if not name.startswith(UNKNOWN)]
    folders = [Path(folder).expanduser().resolve().name for folder in plan.audio] if not known else []
    return [*fold, *(known if not fold else plan.corpora), *folders]
