"""Every upstream that says it can be a graph of one utterance gives, as one, what it gives by `extract`."""

from __future__ import annotations

import json
from functools import cache

import pytest
import torch

from harness import config, parts
from harness.check import together
from harness.contracts import Card, HiddenStates, Traceable, Upstream
from harness.engines import TOLERANCE, alone, as_graph, computed, relative_error
from harness.models import random_upstream

CARDS = [config.card_named(name) for name in parts.part_names("upstream")]
GRAPH_FAMILIES = {"hf", "emotion2vec"}
SECONDS = (0.0, 0.0451, 0.7303, 3.0177)
"""Beside the shortest clip and the next sample: odd lengths, none of which the graph was traced with."""


@cache
def small(name: str) -> Upstream:
    return random_upstream(config.card_named(name))


def sounds(card: Card) -> list[torch.Tensor]:
    """Noise on a slow tone with an offset, from the shortest clip on."""
    draw = torch.Generator().manual_seed(7)
    lengths = [card.min_samples + 1, *(card.min_samples + int(s * card.sample_rate_hz) for s in SECONDS)]
    return [
        0.1 * torch.randn(n, generator=draw) + 0.2 * torch.sin(torch.arange(n) / 31) + 0.05 for n in lengths
    ]


def kind(card: Card) -> str:
    """What shapes a family's network beside its sizes; the names of a head's classes do not."""
    return json.dumps([card.family, {k: v for k, v in card.options.items() if k != "labels"}], sort_keys=True)


def one_of_each_kind() -> list[str]:
    """One card per architecture and options: an export takes seconds, and other cards' would be the same one."""
    kinds = {kind(card): card.name for card in CARDS if card.family in GRAPH_FAMILIES}
    return sorted(kinds.values())


@pytest.mark.parametrize("name", [card.name for card in CARDS if card.family in GRAPH_FAMILIES])
def test_single_is_what_extract_gives(name: str) -> None:
    """Layer by layer, at lengths from the shortest on; alone, and masked in a padded batch."""
    upstream = small(name)
    assert isinstance(upstream, Traceable)
    single, waves = upstream.single(), sounds(upstream.card)
    with torch.inference_mode():
        batch = together(upstream, waves)
    for row, wave in enumerate(waves):
        with torch.no_grad():
            own = single(wave[None])
        assert own.dtype == torch.float32
        lone = HiddenStates(tuple(own[:, None]), torch.tensor([own.shape[1]]))
        assert relative_error(lone, alone(upstream, wave), 0) <= TOLERANCE
        assert relative_error(lone, batch, row) <= TOLERANCE


@pytest.mark.parametrize("name", one_of_each_kind())
def test_the_graph_is_the_network(name: str) -> None:
    """ONNX Runtime against torch at lengths that were not traced, and in a padded batch."""
    upstream = small(name)
    assert isinstance(upstream, Traceable)
    graph = as_graph(upstream)
    assert computed(graph).engine == "onnx"
    waves = sounds(graph.card)
    batch = together(graph, waves)
    for row, wave in enumerate(waves):
        reference = alone(upstream, wave)
        assert relative_error(reference, alone(graph, wave), 0) <= TOLERANCE
        assert relative_error(reference, batch, row) <= TOLERANCE


def test_no_family_is_forgotten() -> None:
    """A family that learns to be a graph is tested above, and one that cannot is not said to be one."""
    able = {card.family for card in CARDS if isinstance(small(card.name), Traceable)}
    assert able == GRAPH_FAMILIES
