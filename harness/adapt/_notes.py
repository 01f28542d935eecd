"""What outputs have to say aloud of a run that adapts to the people or the labels that are tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.adapt._speakers import FEWEST, Groups


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
    """How often the dev part trusted nothing in the outputs, so that they stayed as they were.

    Args:
        corrections: what every training's correction came to; empty ones say nothing.
    """
    done = [bool(correction["done"]) for correction in corrections if correction]
    if not all(done):
        yield (
            f"in {done.count(False)} of {len(done)} trainings the dev part trusts nothing in the head's outputs "
            "(temperature at its limit): they are left uncorrected"
        )
