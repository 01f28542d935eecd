"""What can be predicted without listening: the baselines that every score has to beat.

Majority, duration and level, who speaks, what is said: each is fitted on the training part of the very folds that
a run uses and predicts their test parts, so that its numbers stand beside the run's own.
"""

from harness.shortcuts._cues import Cue, cues_of, sentence_key
from harness.shortcuts._guess import Guessed, Targets, guess
from harness.shortcuts._verdict import Best, best_shortcut, defined, inside, warnings

__all__ = [
    "Best",
    "Cue",
    "Guessed",
    "Targets",
    "best_shortcut",
    "cues_of",
    "defined",
    "guess",
    "inside",
    "sentence_key",
    "warnings",
]
