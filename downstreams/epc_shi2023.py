"""Next-turn emotion with three roles: speaker, interlocutor, and everybody else (Shi, Li and Toda 2023).

An interaction GRU reads every utterance of the context; its states are split by who speaks. Speaker and
interlocutor each go through a GRU of their own, single-head self-attention and the mean over time; the spectators'
part is the last state of the interaction GRU. The three vectors together go into one linear layer.

No official code; read from a third party's description (see `recipes/head/epc_shi2023.yaml`). Of several partners
the interlocutor is the most frequent one, the others are heard by the interaction GRU only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from downstreams._epc import INTERLOCUTOR, Hierarchical
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
        Hierarchical, shape.dim, config.hidden_dim, config.dropout, shape.classes, partners=(INTERLOCUTOR,)
    )
    return ContextHead(network, config, shape, seed)
