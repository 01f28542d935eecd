"""Next-turn emotion with two roles: the speaker, and all others together (Shi, Li and Toda 2020).

The network of `epc_shi2023`, but for whom the second branch listens to: everybody who is not the speaker. Where
two people talk both are the same network, so that the gap that is published between them comes from elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from downstreams._epc import INTERLOCUTOR, OTHER, Hierarchical
from downstreams._epc_training import ContextHead, EpcConfig
from harness.contracts import Shape

NEEDS = "contexts"


@dataclass(kw_only=True)
class Config(EpcConfig):
    """Settings of the head and of its training."""


def build(config: Config, shape: Shape, seed: int) -> ContextHead:
    """A fresh head.

    Raises:
        ConfigError: a setting out of its range, or a view of several layers.
    """
    network = partial(
        Hierarchical,
        shape.dim,
        config.hidden_dim,
        config.dropout,
        shape.classes,
        partners=(INTERLOCUTOR, OTHER),
    )
    return ContextHead(network, config, shape, seed)
