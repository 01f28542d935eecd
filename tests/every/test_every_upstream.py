"""The same promises over every registered card and family, on small random networks."""

from __future__ import annotations

import pytest
import torch

from harness import config, parts, registry
from harness.check import promises
from harness.models import family, random_upstream

CARDS = parts.part_names("upstream")


@pytest.mark.parametrize("name", CARDS)
def test_keeps_its_promises(name: str) -> None:
    """Batch and padding invariance below 1e-4, determinism, finite output, true frames and sizes."""
    with torch.inference_mode():
        findings = list(promises(random_upstream(config.card_named(name))))
    broken = [f"{finding.name}: {finding.value}" for finding in findings if finding.kept is False]
    assert not broken
    assert {finding.name for finding in findings} >= {"batch invariance", "padding invariance", "determinism"}


@pytest.mark.parametrize("name", CARDS)
def test_card_is_complete(name: str) -> None:
    """A card says where its facts come from, under which licence, and what its model was trained on."""
    card = config.card_named(name)
    assert card.name == name
    assert card.about
    assert card.licence
    assert card.source
    assert not card.revision or len(card.revision) == 40
    assert family(card).__name__ == f"upstreams.{card.family}"


def test_no_family_is_forgotten() -> None:
    """A family without a card would escape every test above."""
    assert {config.card_named(name).family for name in CARDS} == set(registry.names("upstreams"))


def test_a_broken_upstream_is_caught() -> None:
    """The promises can fail: an upstream that averages over the padded batch breaks them."""
    upstream = random_upstream(config.card_named("fbank"))
    honest = upstream.extract

    def leaky(waves: torch.Tensor, lengths: torch.Tensor) -> object:
        states = honest(waves, lengths)
        return states._replace(states=tuple(state + waves.mean() for state in states.states))

    upstream.extract = leaky  # type: ignore[method-assign]
    with torch.inference_mode():
        findings = list(promises(upstream))
    assert "batch invariance" in {finding.name for finding in findings if finding.kept is False}
