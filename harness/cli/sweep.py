"""`sweep`: an ablation of the paper, row by row, through Hydra's sweepers and launchers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.cli._verb import Verb, say
from harness.errors import ConfigError, HarnessError

SHOWS_ONLY = ("--cfg", "-c", "--info", "--hydra-help", "--resolve", "-i")
"""Hydra's flags that run nothing."""


def _sweep(words: list[str]) -> None:
    from harness import sweep

    sweep.refuse_launcher()
    names, rest = _split(words)
    for name in names:
        sweep.check_names(name, rest)
    failed = []
    for name in names:
        try:
            _one(name, rest)
        except HarnessError as fault:
            failed.append((name, fault))
    if len(failed) == 1:
        raise failed[0][1]
    if failed:
        raise ConfigError(
            f"{len(failed)} tables are not complete",
            got="; ".join(f"{name}: {fault.got}" for name, fault in failed),
            wanted="rows that can be pre-trained and evaluated",
            next_step="mend those and sweep again; what is done is not done again",
        )


def _one(name: str, words: list[str]) -> None:
    """Sweep one table; whatever happens to its rows, what is known of them is written and told."""
    from harness import sweep
    from harness.cli._recipes import through_hydra

    overrides = [word for word in words if "=" in word and not word.startswith("-")]
    flags = [word for word in words if word not in overrides]
    recipe, given = f"{sweep.FOLDER}/{name}", [*sweep.hydra_words(overrides), *flags]
    if any(flag.startswith(SHOWS_ONLY) for flag in flags):
        through_hydra(recipe, given, _Job(name))
        return
    results, before = _results(words), sweep.now()
    try:
        through_hydra(recipe, [*given, "--multirun"], _Job(name))
    finally:
        _tell(name, results, before)
    sweep.refuse_faults(name, results, before)


class _Job:
    """What Hydra calls for every row; a launcher may take it to another process."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, plain: Mapping[str, Any], _: list[str]) -> None:
        from harness import sweep

        sweep.carry_out(sweep.from_mapping(self._name, plain))


def _results(words: Sequence[str]) -> Path:
    named = [word.removeprefix("results=") for word in words if word.startswith("results=")]
    return Path(named[-1] if named else "results")


def _tell(name: str, results: Path, before: str) -> None:
    from harness import sweep

    text = sweep.write_table(sweep.table_named(name), results, before)
    if text:
        say(text)


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The tables named by `recipe=ablation/NAME`, one or several, and the remaining words.

    Raises:
        ConfigError: none is named, or a word is no setting.
    """
    from harness import sweep

    named = [name for word in words if word.startswith("recipe=") for name in word[7:].split(",")]
    rest = [word for word in words if not word.startswith("recipe=")]
    flags = any(word.startswith("-") for word in rest)
    strange = [] if flags else [word for word in rest if "=" not in word and not word.startswith("~")]
    if not all(named) or not named or strange:
        known = ", ".join(f"{sweep.FOLDER}/{name}" for name in sweep.ablation_names())
        raise ConfigError(
            "sweep takes key=value settings" if strange else "sweep needs a table",
            got=" ".join(strange or words) or "nothing",
            wanted=f"recipe=NAME, NAME one of {known}",
            next_step="python -m harness sweep recipe=ablation/alpha size=tiny",
        )
    return [name.removeprefix(f"{sweep.FOLDER}/") for name in named], rest


SWEEP = Verb(
    "an ablation of pre-training: every row a pre-training and an evaluation, beside the paper's table",
    """python -m harness sweep recipe=ablation/NAME[,ablation/NAME...] [key=value ...]

  recipe=ablation/NAME       initialisation | training_loss | utterance_loss | alpha: emotion2vec's Tables 8 to 11
  size=base|tiny             base: the paper's models; tiny: all four tables in minutes, to see the machinery work
  corpora=[A,B]              audio of the pre-trainings, labels unused; roots.A=DIR where your copy of each lies
  audio=DIR                  a plain folder of sound instead; trained_on=[A] says which corpora it holds
  init.data2vec=FILE init.data2vec2=FILE
                             the published checkpoints that rows start from (tiny pre-trains stand-ins without)
  evaluate.recipe=NAME       any recipe of `run`; evaluate.head=NAME and any other of its settings
  corpus.root=DIR            where the evaluated corpus lies, if not in roots
  row=A,B                    some rows only
  pretrain.KEY=VALUE         any setting of `pretrain`, for all rows: pretrain.optimiser.updates=500
  processes=N                of this machine that share a pre-training: the number of GPUs
  seed=1,2                   several sweeps, a section of the table each
  hydra/launcher=NAME        where the rows run: any launcher of Hydra that is installed
  --cfg job                  show everything that can be set, and stop

Rows with the same settings, of any table, share one pre-training. What is recorded is not done again, a
pre-training that was stopped goes on where it was, a row that fails is told and the others go on. The tables are
kept under results/ablations/ as Markdown and CSV.

examples
  python -m harness sweep recipe=ablation/alpha size=tiny
  python -m harness sweep recipe=ablation/{initialisation,training_loss,utterance_loss,alpha} \\
      size=tiny corpora=[emodb] roots.emodb=/data/emodb evaluate.recipe=emodb_loso
  python -m harness sweep recipe=ablation/alpha corpora=[iemocap,meld] roots.iemocap=/data/iemocap \\
      roots.meld=/data/meld init.data2vec2=/weights/base_libri.pt pretrain.precision=bf16""",
    _sweep,
)
