"""The command line: a verb, then `key=value` settings. Bad input gets one message and exit code 2.

A single run composes its recipe here; `--multirun` and Hydra's own flags (`--cfg job`, `--info`) go through
Hydra's `main`, so that its sweepers and launchers do the sweeping.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness import __version__
from harness.errors import ConfigError, HarnessError, UnknownNameError, did_you_mean

_LOG = logging.getLogger("harness")

HYDRA_QUIET = (
    "hydra.output_subdir=null",
    "hydra.run.dir=.",
    "hydra.sweep.dir=${results}/sweeps/${now:%Y-%m-%d_%H-%M-%S}",
    "hydra.sweep.subdir=.",
    "hydra/job_logging=none",
    "hydra/hydra_logging=none",
)
"""Hydra makes no folder for a run, which is found by its record; a sweep's own YAML goes under the results."""


class Verb(NamedTuple):
    """A word of the command line."""

    about: str
    usage: str
    act: Callable[[list[str]], None]


def main(arguments: Sequence[str]) -> int:
    """Carry out one command; returns the exit code (0 done, 2 bad input, 130 interrupted).

    Threads of a tiny step that wait by spinning cost twenty times the step itself where another program uses the
    cores (measured: a GRU's step 22 s spinning, 1 s passive, on two cores with a load of three).
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        _dispatch(list(arguments))
    except HarnessError as fault:
        return _tell(str(fault), fault.exit_code)
    except OSError as fault:
        if fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS):
            raise
        return _tell(str(_disk_fault(fault)), HarnessError.exit_code)
    except KeyboardInterrupt:
        return _tell(
            "stopped; what is extracted and trained is kept, the same command goes on from there", 130
        )
    except BrokenPipeError:
        return 0
    return 0


def _tell(message: str, code: int) -> int:
    sys.stderr.write(f"harness: {message}\n")
    return code


def _disk_fault(fault: OSError) -> HarnessError:
    return HarnessError(
        "a file cannot be written or read",
        got=f"{fault.strerror}: {fault.filename or 'while writing'}",
        wanted="free space and the right to write in the results and cache folders",
        next_step="make room, or set results=DIR and EMOHARNESS_CACHE=DIR; finished parts are kept",
    )


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help", "help"):
        _say(_overview())
    elif words[0] == "--version":
        _say(f"emoharness {__version__}")
    elif words[0] not in VERBS:
        raise UnknownNameError(
            f"there is no command {words[0]}",
            got=words[0],
            wanted=did_you_mean(words[0], VERBS),
            next_step="python -m harness --help",
        )
    elif {"-h", "--help"} & set(words[1:]):
        verb = VERBS[words[0]]
        _say(f"{words[0]}: {verb.about}\n\n{verb.usage}")
    else:
        VERBS[words[0]].act(words[1:])


def _say(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def _overview() -> str:
    width = max(map(len, VERBS))
    rows = [f"  {name:<{width}}  {verb.about}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            "python -m harness VERB [key=value ...]     (VERB --help: more, with examples)",
            "",
            *rows,
            "",
            "first run, no corpus and no download needed:",
            "  python -m harness run recipe=synthetic_5fold",
        ]
    )


def settings(words: Sequence[str], allowed: Sequence[str], verb: str) -> dict[str, Any]:
    """`key=value` words as a dictionary, values read as YAML scalars.

    Raises:
        ConfigError: a word without `=`, or a key that the verb does not take.
    """
    import yaml

    found: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        known = key in allowed or any(item.endswith(".") and key.startswith(item) for item in allowed)
        if not sign or not known:
            raise ConfigError(
                f"{verb} does not take this",
                got=word,
                wanted=" ".join(f"{item}..." if item.endswith(".") else f"{item}=..." for item in allowed),
                next_step=f"python -m harness {verb} --help",
            )
        found[key] = yaml.safe_load(value)
    return found


# ------------------------------------------------------------------------------------------- run, extract


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


def _each_run(words: list[str], verb: str, work: Callable[[Any], None]) -> None:
    """Compose and do one run, or hand a sweep to Hydra."""
    from harness import config

    recipes, rest = _split_recipe(words, verb)
    flags = [word for word in rest if word.startswith("-")]
    for recipe in recipes:
        config.check_names(recipe, rest)
        if flags:
            _through_hydra(recipe, rest, work)
        else:
            work(config.compose(recipe, rest))


def _through_hydra(recipe: str, words: list[str], work: Callable[[Any], None]) -> None:
    """Let Hydra sweep; a job with bad input is told and counted, and the others go on."""
    import hydra
    from omegaconf import OmegaConf

    from harness import config, parts

    config.prepare_hydra(words)
    failed: list[str] = []

    def job(composed: Any) -> None:  # noqa: ANN401  Hydra's own type is only known to Hydra
        from hydra.core.hydra_config import HydraConfig

        overrides = list(HydraConfig.get().overrides.task)
        try:
            plain = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
            work(config.from_mapping(recipe, plain, overrides))  # type: ignore[arg-type]
        except HarnessError as fault:
            failed.append(" ".join(overrides))
            _tell(f"{' '.join(overrides)}: {fault}", 2)

    before = sys.argv
    overrides = [word for word in words if "=" in word and not word.startswith("-")]
    flags = [word for word in words if word not in overrides]
    sys.argv = ["harness", *HYDRA_QUIET, *overrides, *flags]
    try:
        hydra.main(config_path=str(parts.RECIPES), config_name=recipe, version_base="1.3")(job)()
    except SystemExit as leaving:
        if leaving.code:
            failed.append("Hydra's own message is above")
    finally:
        sys.argv = before
    if failed:
        raise ConfigError(
            f"{len(failed)} job(s) of the sweep were not run",
            got="; ".join(failed),
            wanted="settings that can be run",
            next_step="mend those and run the sweep again; recorded jobs are not repeated",
        )


def _run(words: list[str]) -> None:
    def work(settings: Any) -> None:  # noqa: ANN401  config.RunConfig, imported late
        from harness.report import summary
        from harness.run import run

        _say(summary(run(settings)))

    _each_run(words, "run", work)


def _extract(words: list[str]) -> None:
    def work(settings: Any) -> None:  # noqa: ANN401  config.RunConfig, imported late
        from harness.run import extract_only

        _say(extract_only(settings))

    _each_run(words, "extract", work)


# ------------------------------------------------------------------------------------- the other verbs


def _list(words: list[str]) -> None:
    from harness.catalogue import KINDS, catalogue

    for word in words:
        if word not in KINDS:
            raise UnknownNameError(
                f"there is no list of {word}",
                got=word,
                wanted=did_you_mean(word, KINDS),
                next_step="python -m harness list",
            )
    _say(catalogue(words or list(KINDS)))


def _check(words: list[str]) -> None:
    from harness.check import check
    from harness.config import card_named

    given = settings(words, ("upstream", "device", "upstream."), "check")
    if not given.get("upstream"):
        raise ConfigError(
            "check needs an upstream",
            got=" ".join(words) or "nothing",
            wanted="upstream=NAME",
            next_step="python -m harness list upstream",
        )
    changes = {key.removeprefix("upstream."): value for key, value in given.items() if "." in key}
    for name in str(given["upstream"]).split(","):
        conformance = check(card_named(name, changes), str(given.get("device", "auto")))
        _say(conformance.text())
        conformance.raise_if_broken()


def _score(words: list[str]) -> None:
    from harness.score import score_files

    paths = [Path(word) for word in words if "=" not in word]
    given = settings(
        [word for word in words if "=" in word], ("metrics", "resamples", "results", "recipe"), "score"
    )
    _say(score_files(paths, **given))


def _leaderboard(words: list[str]) -> None:
    from harness.board import write_board

    given = settings(words, ("results",), "leaderboard")
    _say(write_board(Path(str(given.get("results", "results")))))


def _corpus(words: list[str]) -> None:
    from harness.catalogue import check_corpus_at

    if len(words) < 2 or words[0] != "check":
        raise ConfigError(
            "corpus takes a word and a name",
            got=" ".join(words) or "nothing",
            wanted="check NAME root=DIR",
            next_step="python -m harness corpus check emodb root=/data/emodb",
        )
    given = settings(words[2:], ("root",), "corpus check")
    root = given.get("root")
    text, sound = check_corpus_at(words[1], None if root is None else str(root))
    _say(text)
    if not sound:
        raise HarnessError(
            f"this copy of {words[1]} is not sound",
            got="the faults listed above",
            wanted="a complete, undamaged copy",
            next_step="get the named files again, or run with corpus.on_fault=skip or repair",
        )


VERBS: Mapping[str, Verb] = {
    "run": Verb(
        "one recipe from a corpus on disk to a recorded number",
        """python -m harness run recipe=NAME [key=value ...] [--multirun]

  recipe=NAME                what to run; see `list recipe`
  corpus.root=DIR            where your copy of the corpus lies
  upstream=NAME              another upstream; see `list upstream`
  upstream.path=DIR          its weights on disk (else EMOHARNESS_WEIGHTS/NAME, else the hub)
  head=NAME view=NAME        another head, another view of the hidden states
  corpus.on_fault=WHAT       stop | skip | repair, for damaged files
  seeds=[0,1,2]              several trainings per fold
  force=true                 train again what is already recorded
  track=false                no MLflow run (else MLFLOW_TRACKING_URI, else mlflow.db beside results/)
  --multirun                 sweep comma-separated values, as Hydra does
  --cfg job                  show everything that can be set, and stop

examples
  python -m harness run recipe=synthetic_5fold
  python -m harness run recipe=emodb_loso upstream=egemaps corpus.root=/data/emodb
  python -m harness run recipe=emodb_loso upstream=whisper_tiny_en upstream.path=/weights/whisper-tiny.en \\
      view=layer view.layer=2 head=lda split.select=last corpus.root=/data/emodb
  python -m harness run recipe=emodb_loso upstream=egemaps,fbank corpus.root=/data/emodb --multirun""",
        _run,
    ),
    "extract": Verb(
        "features only: fill the store for a later run",
        """python -m harness extract recipe=NAME [key=value ...]

Takes what `run` takes, and stops after the extraction.

example
  python -m harness extract recipe=emodb_loso upstream=egemaps corpus.root=/data/emodb""",
        _extract,
    ),
    "score": Verb(
        "score stored predictions again, without the model",
        """python -m harness score [FILE.parquet ...] [recipe=NAME] [metrics=[wa,ua]] [resamples=N] [results=DIR]

Without a file: every predictions file under results/, or those of one recipe.

examples
  python -m harness score recipe=synthetic_5fold
  python -m harness score results/predictions/NAME.parquet metrics=[ua] resamples=10000""",
        _score,
    ),
    "check": Verb(
        "a conformance card for an upstream, in seconds, on made-up audio",
        """python -m harness check upstream=NAME [upstream.path=DIR] [upstream.options.X=Y] [device=cpu]

Exits with 2 where a promise is broken. Without weights it checks the same code on a small random network, and
says so.

example
  python -m harness check upstream=whisper_tiny_en upstream.path=/weights/whisper-tiny.en""",
        _check,
    ),
    "leaderboard": Verb(
        "all records as Markdown, CSV and LaTeX, the published numbers beside ours",
        """python -m harness leaderboard [results=DIR]

example
  python -m harness leaderboard""",
        _leaderboard,
    ),
    "corpus": Verb(
        "check NAME root=DIR: compare your copy of a corpus with what is expected",
        """python -m harness corpus check NAME root=DIR

Lists by name what is missing, extra or damaged; exits with 2 where the copy is not sound.

example
  python -m harness corpus check emodb root=/data/emodb""",
        _corpus,
    ),
    "list": Verb(
        "what there is: recipes, upstreams, heads, corpora, protocols, metrics",
        """python -m harness list [KIND ...]

examples
  python -m harness list
  python -m harness list upstream""",
        _list,
    ),
}
