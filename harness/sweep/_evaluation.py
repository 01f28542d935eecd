"""The evaluation behind a row: any recipe of `run`, on frames, utterance tokens, or both joined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness import config, parts
from harness.config import RunConfig
from harness.contracts import Card
from harness.sweep._config import Cell, Settings, plain_words
from harness.sweep._pretraining import Pretrained

WITHOUT_CORPUS = "synthetic_5fold"
FOR_ANY_CORPUS = "loso"
"""What evaluates where no recipe is named: speakers are left out, one by one, of the first corpus trained on."""


def evaluation(cell: Cell, model: Pretrained) -> RunConfig:
    """The run that evaluates a model of this cell.

    Raises:
        ConfigError: an override cannot be read, or a value is misspelt or of the wrong type.
    """
    settings = cell.settings
    recipe, words = _recipe(settings)
    places = {"results": settings.results, "track": settings.track, "device": settings.device}
    run = config.compose(recipe, [*words, *plain_words(places)])
    root = settings.corpus_root or settings.roots.get(run.corpus.name) or run.corpus.root
    return replace(
        run,
        corpus=replace(run.corpus, root=root, on_fault=settings.on_fault),
        upstream=_card(cell, model),
        overrides=[*words, f"upstream={model.record['name']}"],
    )


def _recipe(settings: Settings) -> tuple[str, list[str]]:
    chosen = dict(settings.evaluate)
    recipe = chosen.pop("recipe", None)
    words = plain_words(chosen)
    if recipe is not None:
        return str(recipe), words
    if settings.trained_corpora in ([], ["synthetic"]):
        return WITHOUT_CORPUS, words
    return FOR_ANY_CORPUS, [f"corpus={settings.trained_corpora[0]}", *words]


def _card(cell: Cell, model: Pretrained) -> Card:
    """The model's own card, from beside its weights, with the features of the row."""
    values: dict[str, Any] = parts.read_yaml(model.folder / "card.yaml")
    values["path"] = str((model.folder / "model.safetensors").resolve())
    if cell.row.features != "frames":
        values["options"] = {**(values.get("options") or {}), "features": cell.row.features}
    return config.build(Card, values, where=f"upstream {values['name']}")
