"""Recipes and cards that cells are measured against, composed once each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness import config, models, parts
from harness.board import models_of
from harness.config import RunConfig
from harness.contracts import Card, TextCard
from harness.tables._facts import Facts, facts_of_recipe


class Recipes:
    """What has been composed so far."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], RunConfig] = {}
        self._cards: dict[tuple[str, ...], Card] = {}

    def composed(self, recipe: str, words: Sequence[str] = ()) -> RunConfig:
        """A recipe with overrides.

        Raises:
            ConfigError: there is no such recipe, or it has no such setting.
        """
        key = (recipe, *words)
        if key not in self._known:
            self._known[key] = config.compose(recipe, words)
        return self._known[key]

    def facts(self, recipe: str, ours: Mapping[str, Any]) -> Facts:
        """Settings of the run that a published row names; the upstream's options are its card's affair."""
        settings = ours.get("settings", {}).items()
        words = [f"{key}={value}" for key, value in settings if not key.startswith("upstream.")]
        return facts_of_recipe(self.composed(recipe, words))

    def card(self, name: str, changes: Mapping[str, Any]) -> Card:
        """A checkpoint's card, with some options of its own."""
        key = (name, *(f"{option}={value}" for option, value in changes.items()))
        if key not in self._cards:
            self._cards[key] = models.presented(config.card_named(name, changes))
        return self._cards[key]

    def cards(self, ours: Mapping[str, Any]) -> list[Card | TextCard]:
        """The cards of the published checkpoints, the first one with the options that the row is printed for."""
        changes = {
            key.removeprefix("upstream."): value
            for key, value in ours.get("settings", {}).items()
            if key.startswith("upstream.")
        }
        return [
            _text_card(name) if name == ours.get("text") else self.card(name, {} if place else changes)
            for place, name in enumerate(models_of(ours))
        ]


def _text_card(name: str) -> TextCard:
    return config.build(TextCard, parts.read_part("text", name), where=f"text {name}")
