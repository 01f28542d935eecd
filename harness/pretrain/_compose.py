"""From a recipe in `recipes/pretrain/` and overrides to a typed plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness import config, parts
from harness.pretrain._config import Plan

FOLDER = "pretrain"
GROUPS = ("objective", "preset")
"""What a word chooses a file for; every other word sets a value."""
LISTS = ("corpora", "audio", "trained_on", "fold_parts")
"""Where one name may stand for a list of one."""


def compose(recipe: str, overrides: Sequence[str]) -> Plan:
    """Compose a recipe of pre-training with overrides and check every setting.

    Raises:
        UnknownNameError: there is no such recipe, objective or preset.
        ConfigError: an override cannot be read, or a value is misspelt, missing or of the wrong type.
    """
    check_names(recipe, overrides)
    composed = config.hydra_compose(
        f"{FOLDER}/{recipe}", hydra_words(overrides), command=f"pretrain recipe={recipe}"
    )
    return from_mapping(recipe, composed, overrides)


def check_names(recipe: str, overrides: Sequence[str]) -> None:
    """Refuse an unknown recipe, objective or preset by name, before Hydra answers with a list of search paths."""
    parts.require("recipe of pre-training", recipe, parts.part_names(FOLDER))
    for group in GROUPS:
        for word in overrides:
            if word.startswith(f"{group}="):
                for name in word.partition("=")[2].split(","):
                    parts.require(group, name, parts.part_names(group))


def hydra_words(overrides: Sequence[str]) -> list[str]:
    """The words as Hydra takes them: a key that no YAML names is let in, so that the typed plan names it."""
    return [
        word
        if word[:1] in "+~-" or word.partition("=")[0] in GROUPS or word.startswith("hydra.")
        else f"++{word}"
        for word in overrides
    ]


def from_mapping(recipe: str, composed: Mapping[str, Any], overrides: Sequence[str] = ()) -> Plan:
    """A typed plan from a composed recipe."""
    plain = dict(composed)
    settings = dict(plain["objective"])
    plain["objective"] = {"name": settings.pop("name"), "settings": settings}
    for name in LISTS:
        if isinstance(plain.get(name), str):
            plain[name] = [plain[name]]
    return config.build(Plan, {**plain, "recipe": recipe, "overrides": list(overrides)}, where=recipe)
