"""`recipe=a,b key=value ...` to composed runs: one by one here, a sweep through Hydra's own `main`."""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, HarnessError

HYDRA_QUIET = (
    "hydra.output_subdir=null",
    "hydra.run.dir=.",
    "hydra.sweep.dir=${results}/sweeps/${now:%Y-%m-%d_%H-%M-%S}",
    "hydra.sweep.subdir=.",
    "hydra/job_logging=none",
    "hydra/hydra_logging=none",
)
"""Hydra makes no folder for a run, which is found by its record; a sweep's own YAML goes under the results."""


Job = Callable[[Mapping[str, Any], list[str]], None]


def each_run(words: list[str], verb: str, work: Callable[[Any], None]) -> None:
    """Compose and do every run that the words name, or hand a sweep to Hydra.

    Args:
        words: `recipe=NAME[,NAME]`, overrides, and Hydra's flags.
        verb: for the messages.
        work: takes a `RunConfig`.

    Raises:
        HarnessError: no recipe, an unknown name, or what `work` raises.
    """
    from harness import config

    recipes, rest = _split_recipe(words, verb)
    flags = [word for word in rest if word.startswith("-")]
    for recipe in recipes:
        config.check_names(recipe, rest)
        if flags:
            through_hydra(recipe, config.open_keys(rest), _composed(recipe, work))
        else:
            work(config.compose(recipe, rest))


def _split_recipe(words: Sequence[str], verb: str) -> tuple[list[str], list[str]]:
    """Recipes named by `recipe=a,b`, and the remaining words."""
    named = [word.removeprefix("recipe=") for word in words if word.startswith("recipe=")]
    if len(named) != 1 or not named[0]:
        from harness.parts import recipe_names

        raise ConfigError(
            f"{verb} needs one recipe",
            got=" ".join(words) or "nothing",
            wanted=f"recipe=NAME, NAME one of {', '.join(recipe_names())}",
            next_step=f"python -m harness {verb} recipe=synthetic_5fold",
        )
    return named[0].split(","), [word for word in words if not word.startswith("recipe=")]


def _composed(recipe: str, work: Callable[[Any], None]) -> Job:
    from harness import config

    return lambda plain, overrides: work(config.from_mapping(recipe, plain, overrides))


def through_hydra(primary: str, words: list[str], work: Job) -> None:
    """Let Hydra sweep; a job with bad input is told and counted, and the others go on.

    Args:
        primary: path of the recipe's YAML below the recipes, without ending.
        words: overrides and Hydra's flags.
        work: takes a composed recipe as plain data, and its overrides.

    Raises:
        ConfigError: some job could not be run.
    """
    import hydra

    from harness import config, parts

    config.prepare_hydra(words)
    overrides = [word for word in words if "=" in word and not word.startswith("-")]
    flags = [word for word in words if word not in overrides]
    job = SweepJob(work, Path.cwd(), _fault_file(overrides))
    before, stopped = sys.argv, []
    sys.argv = ["harness", *HYDRA_QUIET, *overrides, *flags]
    try:
        hydra.main(config_path=str(parts.RECIPES), config_name=primary, version_base="1.3")(job)()
    except SystemExit as leaving:
        stopped = ["Hydra's own message is above"] if leaving.code else []
    finally:
        sys.argv = before
    failed = [*job.faults(), *stopped]
    if failed:
        raise ConfigError(
            f"{len(failed)} job(s) of the sweep were not run",
            got="; ".join(failed),
            wanted="settings that can be run",
            next_step="mend those and run the sweep again; recorded jobs are not repeated",
        )


def _fault_file(overrides: Sequence[str]) -> Path:
    """Below the results, which every machine of a sweep can write to."""
    named = [word.removeprefix("results=") for word in overrides if word.startswith("results=")]
    folder = Path(named[-1] if named and "," not in named[-1] else "results")
    return folder.absolute() / "sweeps" / f".faults-{uuid.uuid4().hex}"


@dataclass(frozen=True)
class SweepJob:
    """What Hydra calls for every job: in this process, or in another one that a launcher has sent it to."""

    work: Job
    folder: Path
    """Where the command was given: paths may be relative."""
    told: Path
    """A file for what could not be run: from another machine there is no other way back."""

    def __call__(self, composed: Any) -> None:  # noqa: ANN401  Hydra's own type is only known to Hydra
        """Carry out a job; a fault is told and noted, so that the others go on."""
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import OmegaConf

        logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
        overrides = list(HydraConfig.get().overrides.task)
        try:
            plain = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
            with chdir(self.folder):
                self.work(plain, overrides)  # type: ignore[arg-type]
        except HarnessError as fault:
            sys.stderr.write(f"harness: {' '.join(overrides)}: {fault}\n")
            self._note(" ".join(overrides), str(fault))

    def _note(self, overrides: str, fault: str) -> None:
        """One write of one line: jobs may fail at the same time."""
        self.told.parent.mkdir(parents=True, exist_ok=True)
        with self.told.open("a", encoding="utf-8") as file:
            file.write(json.dumps([overrides, fault, _here()]) + "\n")

    def faults(self) -> list[str]:
        """The jobs that could not be run, once; what other processes said of theirs is told now."""
        if not self.told.is_file():
            return []
        lines = [json.loads(line) for line in self.told.read_text(encoding="utf-8").splitlines()]
        self.told.unlink()
        for overrides, fault, where in lines:
            if where != _here():
                sys.stderr.write(f"harness: {overrides}: {fault}\n")
        return [overrides for overrides, _, _ in lines]


def _here() -> str:
    """Names this process among those of all machines."""
    return f"{platform.node()}:{os.getpid()}"
