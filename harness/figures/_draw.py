"""From the words of a command to a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import ConfigError
from harness.figures._confusion import draw_confusion
from harness.figures._durations import BINS, draw_durations
from harness.figures._embeddings import draw_embeddings
from harness.figures._languages import draw_languages
from harness.figures._layers import draw_layers
from harness.figures._layout import Request
from harness.figures._milestones import draw_milestones
from harness.figures._names import check_overrides, keys_of

_CHOICES = ("protocol", "select", "head", "view", "task", "corpus")
"""Facts of records that narrow a picture of several."""


def draw(name: str, own: Mapping[str, Any], overrides: Sequence[str] = ()) -> str:
    """Draw a figure; returns what to say.

    Args:
        name: one of `figure_names`.
        own: settings of the figure itself, by name: those of `keys_of`.
        overrides: settings of the recipe behind it; only figures of papers have one.

    Raises:
        UnknownNameError: there is no such figure.
        HarnessError: what the figure's own drawing may bring.
    """
    keys_of(name)
    drawing = {
        "confusion": _confusion,
        "durations": _durations,
        "languages": _languages,
        "layers": _layers,
        "pretraining": _pretraining,
    }.get(name)
    if drawing is not None:
        return drawing(own, Path(str(own.get("results", "results"))))
    check_overrides(name, tuple(overrides))
    paths = {key.removeprefix("paths."): str(own[key]) for key in own if key.startswith("paths.")}
    return draw_embeddings(Request(name, listed(own.get("upstreams")), paths, tuple(overrides)))


def _confusion(own: Mapping[str, Any], results: Path) -> str:
    return draw_confusion(str(own.get("record", "")), results)


def _durations(own: Mapping[str, Any], results: Path) -> str:
    bins = own.get("bins", BINS)
    if not isinstance(bins, int) or isinstance(bins, bool):
        raise ConfigError("bins is a whole number", got=bins, wanted=f"bins={BINS}")
    record, metric = str(own.get("record", "")), str(own.get("metric", "wa"))
    return draw_durations(record, results, metric=metric, bins=bins)


def _languages(own: Mapping[str, Any], results: Path) -> str:
    facts = {key: str(own[key]) for key in (*_CHOICES, "recipe") if key in own}
    return draw_languages(results, facts, metric=_metric(own), figure=_figure(own))


def _layers(own: Mapping[str, Any], results: Path) -> str:
    facts = {key: str(own[key]) for key in _CHOICES if key in own}
    recipe, upstreams = str(own.get("recipe", "")), listed(own.get("upstream"))
    return draw_layers(results, recipe, upstreams, facts, metric=_metric(own), figure=_figure(own))


def _pretraining(own: Mapping[str, Any], results: Path) -> str:
    model, recipes = str(own.get("model", "")), listed(own.get("recipe"))
    return draw_milestones(model, recipes, results, metric=_metric(own), figure=_figure(own))


def _metric(own: Mapping[str, Any]) -> str:
    return str(own.get("metric", "ua"))


def _figure(own: Mapping[str, Any]) -> str:
    return str(own.get("score", "fold_mean"))


def listed(value: object) -> tuple[str, ...]:
    """`a,b`, `[a, b]` or nothing as names.

    >>> listed("a,b"), listed(["a"]), listed(None)
    (('a', 'b'), ('a',), ())
    """
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return tuple(map(str, value)) if isinstance(value, list) else ()
