"""Next-turn emotion from one GRU over all utterances of the context: its last state -> Linear.

The row that emotion2vec's Table 6 (arXiv 2312.15185) prints as Noroozi et al. 2017; a third party's transcription
of Shi, Li and Toda 2023 gives the same numbers to Shahriar and Kim 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from downstreams._epc import LastState
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
    network = partial(LastState, shape.dim, config.hidden_dim, config.dropout, shape.classes)
    return ContextHead(network, config, shape, seed)
