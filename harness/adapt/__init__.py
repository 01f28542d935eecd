"""What may be changed for the people and the labels that are tested, without reading one of their labels.

`speakers=zscore` standardises the features of every speaker with that speaker's own utterances; `prior=uniform`
and `prior=estimated` correct the classes' training shares in what a head predicts. Both are off unless asked for.
`zscore` and `estimated` look at the tested audio as a whole (they are transductive); every record that used them
says so.
"""

from harness.adapt._notes import adaptation_notes, calibration_notes
from harness.adapt._prior import (
    Correction,
    check_prior,
    corrected,
    estimated_priors,
    fitted_temperature,
    training_priors,
)
from harness.adapt._speakers import FEWEST, Groups, speaker_groups, zscore, zscored

VERSION = 1
"""Raised when the same switch gives other numbers: it is part of the key of every run with a switch on."""

__all__ = [
    "FEWEST",
    "VERSION",
    "Correction",
    "Groups",
    "adaptation_notes",
    "calibration_notes",
    "check_prior",
    "corrected",
    "estimated_priors",
    "fitted_temperature",
    "speaker_groups",
    "training_priors",
    "zscore",
    "zscored",
]
