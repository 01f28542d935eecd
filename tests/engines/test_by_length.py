"""What is too long for a graph is computed by torch, and only one of the two is in memory."""

from __future__ import annotations

import pytest
import torch

from harness.config import card_named
from harness.contracts import Upstream
from harness.engines import OnnxUpstream, as_graph
from harness.engines import _by_length as by_length
from harness.models import random_upstream

SAME = 1e-4
"""What the house promises of a graph; clips on either side of the border have to agree to it."""


@pytest.fixture(scope="module")
def network() -> Upstream:
    return random_upstream(card_named("wav2vec2_base"))


def test_the_border_changes_the_engine_and_not_the_answer(
    network: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = as_graph(network, "cpu")
    opened: list[str] = []

    def reopened() -> OnnxUpstream:
        opened.append("graph")
        return graph

    def loaded() -> Upstream:
        opened.append("network")
        return network

    monkeypatch.setattr(by_length, "LONG_S", 0.5)
    both = by_length.ByLength(graph, reopened, loaded)
    for seconds in (1.0, 0.7, 0.5, 0.2):  # as an extraction goes: from the longest to the shortest
        wave = torch.randn(1, int(seconds * 16_000), generator=torch.Generator().manual_seed(0))
        lengths = torch.tensor([wave.shape[1]])
        got, wanted = both.extract(wave, lengths), network.extract(wave, lengths)
        assert torch.equal(got.frames, wanted.frames)
        for ours, theirs in zip(got.states, wanted.states, strict=True):
            assert float((ours - theirs).norm() / theirs.norm()) <= SAME
    assert opened == ["network", "graph"]
    assert both.computed.engine == "onnx, torch for long clips"


def test_short_clips_never_load_the_network(network: Upstream) -> None:
    graph = as_graph(network, "cpu")

    def never() -> Upstream:
        raise AssertionError("the network was loaded")

    both = by_length.ByLength(graph, lambda: graph, never)
    both.extract(torch.zeros(1, 16_000).uniform_(-0.1, 0.1), torch.tensor([16_000]))
    assert both.computed.engine == "onnx"
