"""What outputs have to say aloud of a run that adapts to the people or the labels that are tested."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.adapt._prior import LOG_TEMPERATURES
from harness.adapt._speakers import FEWEST, Groups

NEAR = 0.01
"""Of a limit, in the logarithm: the search ends this near to it at most."""


def adaptation_notes(groups: Groups | None, prior: str) -> Iterator[str]:
    """One line per switch that is on.

    Args:
        groups: whose statistics standardise which utterance; None where nothing is standardised.
        prior: `none`, `uniform` or `estimated`.
    """
    if groups is not None:
        yield (
            "speakers=zscore reads all utterances of every tested speaker, without labels (transductive); "
            f"{groups.unnamed} utterances of unknown speakers and {groups.rare} of speakers with fewer than "
            f"{FEWEST} take the statistics of their corpus"
        )
    if prior == "uniform":
        yield "prior=uniform: predictions are corrected as if all classes were equally frequent"
    if prior == "estimated":
        yield "prior=estimated: class shares are estimated on the unlabelled tested part (transductive)"


def calibration_notes(corrections: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """That a temperature ran to its limit, where one did: the dev part found nothing to be sure of in the outputs.

    Args:
        corrections: what every training's correction came to; empty ones say nothing.
    """
    temperatures = [math.log(correction["temperature"]) for correction in corrections if correction]
    limits = sum(value > LOG_TEMPERATURES[1] - NEAR for value in temperatures)
    if limits:
        yield (
            f"in {limits} of {len(temperatures)} trainings the dev part trusts nothing in the head's outputs "
            "(temperature at its limit): corrected predictions follow the class shares alone"
        )
