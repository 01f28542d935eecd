"""`cross`: trained on one corpus, tested on another, every direction of a list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.cli._verb import Verb, say, settings
from harness.errors import ConfigError

OWN = ("corpora", "pairs", "train", "test", "upstream", "speakers", "prior", "within")
BELOW = ("roots.", "paths.", "within.")
FOR_ALL = (
    "head", "head.", "view", "view.", "task", "task.", "split.", "seeds", "metrics", "resamples", "batch_seconds",
    "device", "engine", "precision", "store", "scale", "scale.", "results", "force", "track", "corpus.on_fault",
    "upstream.",
)  # fmt: skip
"""Overrides that are handed to every run as they are."""
SWITCHES = {"speakers": ("none", "zscore"), "prior": ("none", "uniform", "estimated")}


def _cross(words: list[str]) -> None:
    from harness.cross import Request, cross, pairs_of, write_crossing

    given = settings(words, (*OWN, *BELOW, *FOR_ALL), "cross")
    upstreams = _names(given, "upstream") or ("egemaps",)
    if len(upstreams) > 1 and any(_key(word).startswith("upstream.") for word in words):
        raise _for_which(words)
    request = Request(
        pairs=pairs_of(*(_names(given, name) for name in ("corpora", "pairs", "train", "test"))),
        upstreams=upstreams,
        speakers=_switch(given, "speakers"),
        priors=_switch(given, "prior"),
        roots=_below(given, "roots."),
        paths=_below(given, "paths."),
        words=tuple(word for word in words if not _is_own(_key(word))),
        within=str(given.get("within") or ""),
        within_words=tuple(word.removeprefix("within.") for word in words if word.startswith("within.")),
    )
    say(write_crossing(cross(request), Path(str(given.get("results", "results")))))


def _key(word: str) -> str:
    return word.partition("=")[0]


def _is_own(key: str) -> bool:
    return key in OWN or key.startswith(BELOW)


def _names(given: dict[str, Any], key: str) -> tuple[str, ...]:
    """One name, a list, or names with commas between them, without doubles."""
    value = given.get(key)
    items = value if isinstance(value, list) else [] if value is None else str(value).split(",")
    return tuple(dict.fromkeys(str(item).strip() for item in items if str(item).strip()))


def _switch(given: dict[str, Any], key: str) -> tuple[str, ...]:
    chosen = _names(given, key) or ("none",)
    strange = [name for name in chosen if name not in SWITCHES[key]]
    if strange:
        raise ConfigError(
            f"{key} has no such setting",
            got=", ".join(strange),
            wanted=f"one or several of {', '.join(SWITCHES[key])}",
            next_step=f"set {key}={SWITCHES[key][1]}, or leave it out",
        )
    return chosen


def _below(given: dict[str, Any], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): str(value) for key, value in given.items() if key.startswith(prefix)}


def _for_which(words: list[str]) -> ConfigError:
    return ConfigError(
        "a setting of one upstream is given to several",
        got=" ".join(word for word in words if _key(word).startswith("upstream.")),
        wanted="paths.NAME=DIR for the weights of each, or one upstream",
        next_step="cross the upstreams one by one; what is recorded is not run again",
    )


CROSS = Verb(
    "trained on one corpus, tested on another: every direction of a list, in one matrix",
    """python -m harness cross corpora=[A,B,...] roots.A=DIR roots.B=DIR [upstream=NAME] [key=value ...]

  corpora=[A,B,...]          every ordered pair; or pairs=[A_to_B,...]; or train=[A,B] test=C, trained on both
  roots.A=DIR                where your copy of each corpus lies
  upstream=NAME[,NAME]       see `list upstream`; paths.NAME=DIR: its weights on disk
  speakers=none,zscore       zscore: each speaker's features standardised with all their utterances, unlabelled
  prior=none,uniform,estimated
                             class shares that predictions are corrected to: equal ones, or those that expectation
                             maximisation finds in the tested part, unlabelled; commas run each setting
  within=loso                the diagonal: that recipe within each corpus, same labels; within.KEY=VALUE: settings
  head=NAME view=NAME task=NAME task.view=big4 split.dev_share=0.2 corpus.on_fault=WHAT seeds=[0,1] results=DIR
                             as in `run`, for every run

All of the tested corpus is tested, over the labels that the corpora of a run share; a share of the speakers who
train selects. Every run is recorded under its direction (emodb_to_urdu) and not run again; one direction alone:
`run recipe=cross_corpus`. The matrices are kept under results/cross/, all runs together in results/CROSS.md.

examples
  python -m harness cross corpora=[emodb,urdu] roots.emodb=/data/emodb roots.urdu=/data/URDU upstream=egemaps
  python -m harness cross train=[emodb,cafe] test=urdu roots.emodb=/data/emodb roots.cafe=/data/CaFE \\
      roots.urdu=/data/URDU upstream=egemaps,mfcc speakers=none,zscore prior=none,estimated""",
    _cross,
)
