"""What can be drawn, by name; read without importing anything heavy."""

from __future__ import annotations

from typing import NamedTuple

from harness import parts
from harness.errors import ConfigError
from harness.figures._layout import about, layout_names


class Kind(NamedTuple):
    """A picture of what is recorded already."""

    about: str
    keys: tuple[str, ...]
    """Settings that it takes."""


FROM_RECORDS = {
    "confusion": Kind("what was taken for what, of one recorded run", ("record", "results")),
    "durations": Kind("score against duration, of one recorded run", ("record", "metric", "bins", "results")),
    "languages": Kind(
        "corpora by language against upstreams, from the records of one protocol",
        ("metric", "score", "protocol", "select", "head", "view", "task", "recipe", "results"),
    ),
    "layers": Kind(
        "score by layer, from the records of a sweep over view.layer",
        ("recipe", "upstream", "metric", "score", "corpus", "select", "head", "results"),
    ),
    "pretraining": Kind(
        "loss, spreads and a probe's score over the updates of a pre-training",
        ("model", "recipe", "metric", "score", "results"),
    ),
}
OWN_KEYS = ("upstreams", "paths.")
"""Settings that a paper's figure takes itself; all others are settings of its recipe."""


def figure_names() -> list[str]:
    """Every figure: those of papers, which may train, then those from records."""
    return [*layout_names(), *FROM_RECORDS]


def figure_list() -> list[tuple[str, str]]:
    """Every figure with one line about it."""
    papers = [(name, about(name)) for name in layout_names()]
    return [*papers, *((name, kind.about) for name, kind in FROM_RECORDS.items())]


def has_recipe(name: str) -> bool:
    """Whether a recipe lies behind a figure, whose settings it takes."""
    return name in layout_names()


def keys_of(name: str) -> tuple[str, ...]:
    """The settings that a figure takes itself; one that ends in a dot stands for all below it.

    Raises:
        UnknownNameError: there is no such figure.
    """
    parts.require("figure", name, figure_names())
    return FROM_RECORDS[name].keys if name in FROM_RECORDS else OWN_KEYS


def check_overrides(name: str, words: tuple[str, ...]) -> None:
    """Refuse a setting that a figure's recipe would not heed.

    Raises:
        ConfigError: an upstream chosen the way a run does, or something that is no setting.
    """
    for word in words:
        key, sign, _ = word.partition("=")
        if not sign or key.startswith("-") or key == "upstream" or key.startswith("upstream.path"):
            raise ConfigError(
                "a figure does not take this",
                got=word,
                wanted="upstreams=[A,B] paths.A=DIR and settings of its recipe",
                next_step=f"python -m harness figure {name} upstreams=[egemaps] corpus.root=DIR",
            )
