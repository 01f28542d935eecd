"""A paper's figure as YAML: a recipe in `recipes/figure/`, and how its picture is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness import config, parts
from harness.errors import ConfigError

FOLDER = "figure"


@dataclass(kw_only=True)
class Layout:
    """The section `figure` of such a recipe."""

    title: str
    upstreams: list[str]
    """Cards that are drawn where the command names none."""
    settings: list[str] = field(default_factory=list)
    """Settings of the split; they fall away where the command chooses another split."""
    elsewhere: list[str] = field(default_factory=list)
    """What takes their place on another corpus."""
    groups: dict[str, list[str]] | None = None
    """What colours the points -> its classes; null: each class has its own colour."""
    fold: str | None = None
    """The fold that is drawn; null: the first."""
    neighbours: int = 5
    """k of the k-NN accuracy."""
    umap_neighbours: int = 15
    """`n_neighbors` of UMAP, its own default."""
    umap_min_dist: float = 0.1
    """`min_dist` of UMAP, its own default."""
    umap_seed: int = 0


class Request(NamedTuple):
    """A figure that is asked for."""

    name: str
    upstreams: tuple[str, ...]
    """Empty: the layout's own."""
    paths: Mapping[str, str]
    """card -> where its weights lie."""
    overrides: tuple[str, ...]
    """Settings of the recipe, in Hydra's grammar."""


def layout_names() -> list[str]:
    """The figures of papers: paths of their YAML below `recipes/figure`, without ending."""
    found = {
        path.relative_to(folder / FOLDER).with_suffix("").as_posix()
        for folder in parts.folders()
        for path in (folder / FOLDER).rglob("*.yaml")
    }
    return sorted(found)


def about(name: str) -> str:
    """One line about a figure, for the list."""
    return str(_raw(name)["about"])


def compose(request: Request) -> tuple[Layout, dict[str, config.RunConfig]]:
    """The layout, and a run's configuration per upstream, in the order of drawing.

    Raises:
        UnknownNameError: a part that does not exist.
        ConfigError: a setting that cannot be used, an upstream twice, or a path for one that is not drawn.
    """
    for part, chosen in config.chosen_parts(request.overrides):
        parts.require(f"{part} part", chosen, parts.part_names(part))
    layout, _ = _one(request, None)
    upstreams = request.upstreams or tuple(layout.upstreams)
    _check_upstreams(upstreams, request.paths)
    return layout, {upstream: _one(request, upstream)[1] for upstream in upstreams}


def _check_upstreams(upstreams: Sequence[str], paths: Mapping[str, str]) -> None:
    for upstream in upstreams:
        parts.require("upstream part", upstream, parts.part_names("upstream"))
    strays = sorted(set(paths) - set(upstreams))
    if strays or len(set(upstreams)) < len(upstreams):
        raise ConfigError(
            "paths are given for upstreams that are not drawn" if strays else "an upstream is drawn twice",
            got=", ".join(f"paths.{name}" for name in strays) or ", ".join(upstreams),
            wanted=f"each once, among {', '.join(upstreams)}",
            next_step="upstreams=[A,B] paths.A=DIR paths.B=DIR",
        )


def _one(request: Request, upstream: str | None) -> tuple[Layout, config.RunConfig]:
    words = [*_split_words(request), *request.overrides, *([f"upstream={upstream}"] if upstream else [])]
    command = f"figure {request.name}"
    composed = _composed(request.name, [_let_in(word) for word in words], command)
    layout = config.build(Layout, composed.pop(FOLDER), where=f"{command}: figure")
    if upstream in request.paths:
        composed["upstream"]["path"] = request.paths[str(upstream)]
    return layout, config.from_mapping(command, composed, list(request.overrides))


def _composed(name: str, words: Sequence[str], command: str) -> dict[str, Any]:
    """As `config.hydra_compose`; this verb shows its settings in its help, not by Hydra's flags."""
    try:
        return config.hydra_compose(f"{FOLDER}/{name}", words, command=command)
    except ConfigError as fault:
        raise ConfigError(
            fault.what, got=fault.got, wanted=fault.wanted, next_step="python -m harness figure --help"
        ) from fault


def _let_in(word: str) -> str:
    """Settings of the layout have defaults that no YAML repeats; unknown ones are refused by name later."""
    return f"++{word}" if word.startswith(f"{FOLDER}.") else word


def _split_words(request: Request) -> list[str]:
    """The layout's settings of its split, or of the one that stands in for it on another corpus."""
    keys = {word.partition("=")[0] for word in request.overrides}
    if "split" in keys:
        return []
    raw = _raw(request.name)
    named = [word.partition("=")[2] for word in request.overrides if word.startswith("corpus=")]
    own = next(item["/corpus"] for item in raw["defaults"] if isinstance(item, dict) and "/corpus" in item)
    at_home = not named or named[-1] == own or not raw[FOLDER].get("elsewhere")
    return list(raw[FOLDER].get("settings" if at_home else "elsewhere", []))


def _raw(name: str) -> dict[str, Any]:
    parts.require("figure", name, layout_names())
    found = (folder / FOLDER / f"{name}.yaml" for folder in parts.folders())
    return parts.read_yaml(next(path for path in found if path.is_file()))
