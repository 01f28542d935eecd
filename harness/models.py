"""From a card to a loaded upstream, and to the small random network that stands in for it in tests."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import cast

from harness import registry, weights
from harness.config import build
from harness.contracts import Card, Upstream

_LOG = logging.getLogger("harness")


def family(card: Card) -> ModuleType:
    """The module in `upstreams/` that loads this card."""
    return registry.load("upstreams", card.family)


def load_upstream(card: Card, device: str = "cpu") -> Upstream:
    """Load the checkpoint that a card describes, on a device.

    Raises:
        WeightsError: the weights are missing, truncated or of another architecture.
        ConfigError: the card sets an option that its family does not have.
    """
    module = family(card)
    options = build(module.Config, card.options, where=f"upstream.{card.name}.options")
    path = weights.locate(card)
    _LOG.info("loading %s%s", card.name, f" from {path.name}" if path else "")
    upstream = cast(Upstream, module.load(card, options, path))
    if upstream.module is not None:
        upstream.module.to(device).eval().requires_grad_(False)
    return upstream


def presented(card: Card) -> Card:
    """The card of the features that the card's options ask for, where its family has options that reshape them.

    Raises:
        ConfigError: the card sets an option that its family does not have.
    """
    module = family(card)
    if not hasattr(module, "presented"):
        return card
    options = build(module.Config, card.options, where=f"upstream.{card.name}.options")
    return cast(Card, module.presented(card, options))


def random_upstream(card: Card, seed: int = 0) -> Upstream:
    """The family's own code path on a small random network; its card states its true sizes."""
    module = family(card)
    options = build(module.Config, card.options, where=f"upstream.{card.name}.options")
    upstream = cast(Upstream, module.random_small(card, options, seed))
    if upstream.module is not None:
        upstream.module.eval().requires_grad_(False)
    return upstream


def choose_device(wanted: str) -> str:
    """`auto` becomes `cuda` where there is a usable GPU, else `cpu`."""
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted
