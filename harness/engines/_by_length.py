"""Short clips as a graph, long ones in torch: at most one of the two is in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.contracts import HiddenStates, Upstream
from harness.engines._computed import Computed
from harness.engines._session import OnnxUpstream

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LONG_S = 40.0
"""ONNX Runtime writes out the attention of every pair of frames, which torch does not: a base model takes 6.2 GB
for a clip of 100 s there and 2 GB for one of 305 s in torch, and the graph is the slower from half a minute on."""

_LOG = logging.getLogger("harness")


class ByLength:
    """A graph, and the network that it was made of for what is too long for it.

    An extraction goes from the longest clip to the shortest, so it changes over once.

    Args:
        graph: as it was opened.
        reopened: opens the graph again.
        loaded: loads the network.
    """

    module: torch.nn.Module | None = None

    def __init__(
        self, graph: OnnxUpstream, reopened: Callable[[], OnnxUpstream], loaded: Callable[[], Upstream]
    ) -> None:
        self.card = graph.card
        self._said = graph.computed
        self._reopened, self._loaded = reopened, loaded
        self._graph: OnnxUpstream | None = graph
        self._network: Upstream | None = None
        self._saw_long = False

    @property
    def computed(self) -> Computed:
        """The graph, and torch too once a clip was too long."""
        return replace(self._said, engine="onnx, torch for long clips") if self._saw_long else self._said

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """Hidden states of a batch; its longest clip decides.

        Args:
            waves: (batch, samples) float32 at the card's rate.
            lengths: (batch,) int64.

        Raises:
            AudioError: an utterance is shorter than `card.min_samples`, or longer than its row.
        """
        if int(lengths.max()) > LONG_S * self.card.sample_rate_hz:
            return self._torch().extract(waves, lengths)
        return self._onnx().extract(waves, lengths)

    def _torch(self) -> Upstream:
        self._graph, self._saw_long = None, True
        if self._network is None:
            _LOG.info("torch computes what is longer than %.0f s", LONG_S)
            self._network = self._loaded()
        return self._network

    def _onnx(self) -> OnnxUpstream:
        self._network = None
        if self._graph is None:
            self._graph = self._reopened()
        return self._graph
