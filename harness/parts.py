"""The parts that recipes are made of: YAML files, and plug-ins that need none.

A plug-in without a YAML file is chosen by its own name, with its own defaults, so that adding one is one file. A
model family does so by a constant `CARD`, the facts that a card's YAML would hold.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import registry
from harness.errors import ConfigError, UnknownNameError, did_you_mean
from harness.paths import own_recipes

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
PARTS = ("corpus", "task", "split", "upstream", "text", "view", "head", "scale")
PLUGINS = {
    "corpus": "corpora",
    "task": "tasks",
    "split": "splits",
    "upstream": "upstreams",
    "head": "downstreams",
    "objective": "objectives",
}
"""recipe part -> kind of plug-in behind it."""


def folders() -> list[Path]:
    """Our recipes, then those of installed plug-ins, then the cards of models that were pre-trained here."""
    own = own_recipes()
    return [RECIPES, *registry.third_party_recipe_folders(), *([own] if own.is_dir() else [])]


def recipe_names() -> list[str]:
    """The experiments: every YAML directly in a recipe folder, but for the schema."""
    return sorted({path.stem for folder in folders() for path in folder.glob("*.yaml")} - {"recipe_schema"})


def part_names(part: str) -> list[str]:
    """Everything that can be chosen for a part: `part_names('upstream')` lists the cards."""
    return sorted(_yaml_names(part) | set(bare_plugins(part)))


def _yaml_names(part: str) -> set[str]:
    return {path.stem for folder in folders() for path in (folder / part).glob("*.yaml")}


def bare_plugins(part: str) -> list[str]:
    """Plug-ins that no YAML of their name describes; families only where they carry their own card."""
    if part not in PLUGINS:
        return []
    bare = [name for name in registry.names(PLUGINS[part]) if name not in _yaml_names(part)]
    return [name for name in bare if part != "upstream" or _carries_card(name)]


def _carries_card(family: str) -> bool:
    """Whether a family's source assigns `CARD`, read without importing it."""
    path = registry.source("upstreams", family)
    if path is None:
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    targets = [
        target
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    return any(isinstance(target, ast.Name) and target.id == "CARD" for target in targets)


def bare_part(part: str, name: str) -> dict[str, Any]:
    """What a YAML of a bare plug-in would say."""
    if part == "upstream":
        return {"path": None, "options": {}, **registry.load("upstreams", name).CARD}
    if part == "corpus":
        return {"name": name, "root": None, "on_fault": "stop"}
    return {"name": name}


def read_part(part: str, name: str) -> dict[str, Any]:
    """One part as plain data, without Hydra: for `list` and `check`."""
    require(f"{part} part", name, part_names(part))
    for folder in folders():
        if (path := folder / part / f"{name}.yaml").is_file():
            return read_yaml(path)
    return bare_part(part, name)


def require(what: str, name: str, known: Sequence[str]) -> None:
    """Refuse an unknown name, offering near ones.

    Raises:
        UnknownNameError: the name is not among the known ones.
    """
    if name not in known:
        raise UnknownNameError(
            f"there is no {what} called {name}",
            got=name,
            wanted=did_you_mean(name, known),
            next_step="python -m harness list",
        )


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as plain data, by the safe loader, in C where there is one: ten times faster.

    Raises:
        ConfigError: it is no YAML, or holds no mapping.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return dict(yaml.load(path.read_text(encoding="utf-8"), Loader=loader))  # noqa: S506
    except (yaml.YAMLError, TypeError, ValueError) as fault:
        raise ConfigError(
            f"{path.name} cannot be read",
            got=str(fault).replace("\n", " "),
            wanted="a YAML mapping",
            next_step=f"mend {path}",
        ) from fault
