"""The command that fills a cell, as it can be typed; only the places of data and weights are the reader's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness import parts
from harness.sweep import FOLDER, table_named
from harness.tables._recipes import Recipes

WEIGHTS = "/weights"
DATA = "/data"


def run_command(recipe: str, ours: Mapping[str, Any], root: str, known: Recipes) -> str:
    """The run that a published row names in `ours`."""
    words = [f"recipe={recipe}", *(f"{part}={ours[part]}" for part in ("upstream", "corpus") if part in ours)]
    words += _inputs(recipe, ours, known)
    words += [f"{key}={value}" for key, value in ours.get("settings", {}).items()]
    if "upstream" in ours:
        card = known.card(ours["upstream"], {})
        words += [f"upstream.path={WEIGHTS}/{card.name}"] if card.parameters and not card.hub_id else []
    return " ".join(["python -m harness run", *words, f"corpus.root={root}"])


def _inputs(recipe: str, ours: Mapping[str, Any], known: Recipes) -> Iterator[str]:
    """What stands beside the upstream, where that is not what the recipe says itself."""
    if "modality" in ours:
        yield f"modality={ours['modality']}"
    if "beside" in ours:
        yield f"beside=[{','.join(ours['beside'])}]"
    if "text" in ours:
        yield f"{'' if known.composed(recipe).text else '+'}text={ours['text']}"


def sweep_command(ablation: str, system: str) -> str:
    """The pre-training and evaluation of the row that stands for a printed one, at the paper's size."""
    name, row = next(
        (name, row) for name, row in table_named(ablation).rows.items() if row.published == system
    )
    cards = parts.read_part(f"{FOLDER}/parts", "schema")["init_cards"]
    start = [] if row.start == "cold" else [f"init.{row.start}={WEIGHTS}/{cards[row.start]}"]
    words = [f"recipe={FOLDER}/{ablation}", f"row={name}", *start, *_roots()]
    return " ".join(["python -m harness sweep", *words])


def _roots() -> Iterator[str]:
    for corpus in parts.read_part(f"{FOLDER}/size", "base")["usual_corpora"]:
        yield f"roots.{corpus}={DATA}/{corpus}"
