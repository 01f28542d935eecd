"""eGeMAPSv02: 88 functionals of 25 voice descriptors, one vector per utterance.

Source: Eyben et al. 2016, The Geneva Minimalistic Acoustic Parameter Set, IEEE Transactions on Affective Computing
7(2), 190-202; openSMILE's configuration egemaps/v02/eGeMAPSv02.conf in opensmile 2.6.0.
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
    return Functionals(card, "eGeMAPSv02")


def random_small(card: Card, config: Config, seed: int) -> Functionals:  # noqa: ARG001 - nothing is drawn
    """The features themselves: there are no weights to draw."""
    return load(card, config, None)
