"""`pretrain`: audio without labels to a checkpoint that `run` takes as an upstream."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from harness.cli._verb import Verb, say
from harness.errors import ConfigError, HarnessError


def _pretrain(words: list[str]) -> None:
    from harness import pretrain
    from harness.cli._recipes import through_hydra

    recipe, rest = _split(words)
    pretrain.check_names(recipe, rest)
    if not any(word.startswith("-") for word in rest):
        _one(pretrain.compose(recipe, rest))
        return
    overrides = [word for word in rest if "=" in word and not word.startswith("-")]
    flags = [word for word in rest if word not in overrides]
    through_hydra(
        f"pretrain/{recipe}",
        [*pretrain.hydra_words(overrides), *flags],
        lambda plain, chosen: _one(pretrain.from_mapping(recipe, plain, chosen)),
    )


def _one(plan: Any) -> None:  # noqa: ANN401  pretrain.Plan, imported late
    """Train; only the process that leads answers, and only it tells what went wrong."""
    from harness.pretrain import pretrain

    try:
        record = pretrain(plan)
    except HarnessError as fault:
        if os.environ.get("RANK", "0") == "0":
            raise
        raise SystemExit(fault.exit_code) from fault
    if record is not None:
        say(_summary(record))


def _summary(record: dict[str, Any]) -> str:
    last = record["last"]
    return "\n".join(
        [
            f"{record['name']}: {record['parameters'] / 1e6:.2f} million parameters, {record['updates']} updates, "
            f"{record['epochs']:.1f} epochs of {record['hours']:.2f} h, {record['wall_s']:.0f} s",
            f"  frame loss {last['frame_loss']:.4f}, target std {last['target_std']:.4f}, prediction std "
            f"{last['prediction_std']:.4f}",
            f"  trained on: {', '.join(record['trained_on'])}",
            f"  next: python -m harness run recipe=NAME upstream={record['name']}",
        ]
    )


def _split(words: Sequence[str]) -> tuple[str, list[str]]:
    """The recipe named by `recipe=NAME`, and the remaining words.

    Raises:
        ConfigError: none is named, or several are.
    """
    from harness import parts

    named = [word.removeprefix("recipe=") for word in words if word.startswith("recipe=")]
    rest = [word for word in words if not word.startswith("recipe=")]
    flags = any(word.startswith("-") for word in rest)
    strange = [] if flags else [word for word in rest if "=" not in word and not word.startswith("~")]
    if len(named) != 1 or not named[0] or strange:
        raise ConfigError(
            "pretrain takes key=value settings" if strange else "pretrain needs one recipe",
            got=" ".join(strange or words) or "nothing",
            wanted=f"recipe=NAME, NAME one of {', '.join(parts.part_names('pretrain'))}",
            next_step="python -m harness pretrain recipe=emotion2vec_tiny corpora=[synthetic]",
        )
    return named[0], rest


PRETRAIN = Verb(
    "audio without labels to a checkpoint that `run` takes as an upstream",
    """python -m harness pretrain recipe=NAME corpora=[NAME,...] roots.NAME=DIR [key=value ...]
torchrun --nproc-per-node=GPUS -m harness pretrain recipe=NAME ...     several processes share a run

  recipe=NAME                what to train and how; see `list pretrain`
  corpora=[A,B]              corpora by name, labels unused; roots.A=DIR where your copy of each lies
  audio=[DIR,...]            plain folders of sound files; trained_on=[A] says which corpora they hold
  preset=NAME                as_released | as_published, where code and paper of emotion2vec differ
  init.card=NAME             checkpoint to start from (init.card=null: cold); init.path=FILE where it lies
  fold_of=RECIPE fold=NAME   only the training part of a fold of an evaluation; its test audio is refused
  name=NAME                  of the model, for `run upstream=NAME`
  optimiser.updates=N        how long; optimiser.epochs=N instead; optimiser.lr, batch.max_samples, ...
  milestones=[0,500]         keep the model on its way too, as upstream=NAME_at_500; 0 is what it starts as
  precision=fp32|bf16|fp16   device=auto|cpu|cuda
  track=false                no MLflow run
  --cfg job                  show everything that can be set, and stop

A run that is stopped goes on, bit by bit, with the same command. It ends in results/pretrained/NAME.

examples
  python -m harness pretrain recipe=emotion2vec_tiny corpora=[synthetic] optimiser.updates=20 \\
      optimiser.warmup_updates=2
  python -m harness pretrain recipe=emotion2vec_base corpora=[iemocap,meld] roots.iemocap=/data/iemocap \\
      roots.meld=/data/meld init.path=/weights/base_libri.pt precision=bf16
  python -m harness pretrain recipe=emotion2vec_tapt fold_of=emodb_loso fold=speaker_03 roots.emodb=/data/emodb \\
      init.card=emotion2vec_base init.path=/weights/emotion2vec_base.pt""",
    _pretrain,
)
