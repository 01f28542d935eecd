"""ComParE 2016: 6,373 functionals of 65 descriptors and their deltas, one vector per utterance.

Their sizes differ by more than twelve powers of ten (values of noise reach 1e13): standardise them before a
linear model, and do not store them in half precision.

Source: Schuller et al. 2016, The INTERSPEECH 2016 Computational Paralinguistics Challenge; Weninger et al. 2013,
Frontiers in Psychology 4:292; openSMILE's configuration compare/ComParE_2016.conf in opensmile 2.6.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.contracts import Card
from upstreams._functionals import Functionals
from upstreams._weightless import refuse_weights


@dataclass(kw_only=True)
class Config:
    """Nothing to set: the set is a standard."""


def load(card: Card, config: Config, weights: Path | None) -> Functionals:  # noqa: ARG001 - nothing to set
    """The feature set of the installed openSMILE.

    Raises:
        PluginError: openSMILE cannot be loaded.
        ConfigError: weights are given, or the card states another dimension.
    """
    refuse_weights(card, weights)
    return Functionals(card, "ComParE_2016")


def random_small(card: Card, config: Config, seed: int) -> Functionals:  # noqa: ARG001 - nothing is drawn
    """The features themselves: there are no weights to draw."""
    return load(card, config, None)
