"""From a card to its costs: what the family says itself, else what `recipes/cost/` says of it, else parameters.

A family says its costs by a constant `COST`, a plain literal in its own module, of the same form as the YAML; it
is read without importing the module, which would bring in torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, cast

from harness import parts, registry
from harness.config import build
from harness.contracts import Card
from harness.costs._architecture import Architecture
from harness.costs._cost import Cost

BY_OPTION = "by_option"
"""Key of the YAML: option of the card -> pattern of its value -> what differs from the family's own."""


def cost_of(card: Card) -> Cost:
    """What a card costs; an unknown family with weights uses every parameter once per frame.

    Raises:
        ConfigError: the family's costs cannot be read.
    """
    said = dict(_said_of(card.family))
    by_option: Mapping[str, Mapping[str, Mapping[str, Any]]] = said.pop(BY_OPTION, {})
    for option, cases in by_option.items():
        said |= _case(cases, str(card.options.get(option, "")))
    said |= _sizes_beside(card)
    return Cost(card=card, architecture=build(Architecture, said, where=f"costs of {card.family}"))


def _case(cases: Mapping[str, Mapping[str, Any]], value: str) -> Mapping[str, Any]:
    """What the first pattern says that the value has."""
    return next((changes for pattern, changes in cases.items() if fnmatchcase(value, pattern)), {})


@cache
def _said_of(family: str) -> Mapping[str, Any]:
    own = registry.literal("upstreams", family, "COST")
    if own is not None:
        return cast(Mapping[str, Any], own)
    paths = (folder / "cost" / f"{family}.yaml" for folder in parts.folders())
    found = next((path for path in paths if path.is_file()), None)
    return {} if found is None else parts.read_yaml(found)


def _sizes_beside(card: Card) -> dict[str, int]:
    """Width and layers out of a checkpoint's own `config.json`, for cards that state neither."""
    described = Path(card.path) / "config.json" if card.path else None
    if card.dim or described is None or not described.is_file():
        return {}
    facts = json.loads(described.read_text(encoding="utf-8"))
    if "hidden_size" not in facts or "num_hidden_layers" not in facts:
        return {}
    return {"dim": int(facts["hidden_size"]), "layers": int(facts["num_hidden_layers"]) + 1}
