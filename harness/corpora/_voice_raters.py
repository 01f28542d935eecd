"""SYNTHETIC raters of the SYNTHETIC voices: numbers and votes that follow from how a voice is made to sound.

Nobody listened. Four invented raters place every utterance on scales from 1 to 5 and name one emotion each, from
the cues that the voice was synthesised with plus chance of their own, so that a model that hears those cues does
better than one that does not. Directions are those that `_voices` moves its cues in; weights and noise are ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.corpora._voices import EMOTIONS, SEED, STYLES, Spec, Style, style_of

RATERS = 4
RATER_SPREAD = 0.6
"""Deviation of a rater's place on a scale before it is rounded to a whole number."""
DECISION = 0.25
"""Squared distance between cues (a mean over cues) at which a rater begins to take one emotion for another."""
SIZES = np.array([4.0, 1.0, 2.0, 6.0, 0.18, 0.9, 0.10, 0.022])
"""How far each cue of a style goes, in the order of `Style`."""


class Opinion(NamedTuple):
    """What the invented raters of an utterance say."""

    values: dict[str, float]
    """Scale -> mean of the raters, 1 to 5."""
    votes: dict[str, float]
    """Emotion -> how many named it."""


def opinion(spec: Spec) -> Opinion:
    """What the invented raters say of an utterance; the same spec gives the same opinion."""
    chance = np.random.default_rng([SEED, RATERS, *spec.id.encode()])
    heard = _cues(style_of(spec))
    places = {name: _rated(place, chance) for name, place in _scales(heard).items()}
    return Opinion(places, _votes(heard, chance))


def _cues(style: Style) -> NDArray[np.float64]:
    """(8,) a style's cues as departures from neutral, about 1 where an emotion moves them most."""
    away = np.array(style) - np.array(Style())
    away[5] = np.log(max(style.tilt_factor, 0.1))
    return np.asarray(away / SIZES, dtype=np.float64)


def _scales(cues: NDArray[np.float64]) -> dict[str, float]:
    """Where an utterance lies on each scale before anybody's chance."""
    pitch, span, slope, level, tempo, tilt, breath, roughness = cues.tolist()
    return {
        "arousal": 3 + 1.5 * (pitch + level + tempo + tilt) / 4,
        "valence": 3 + 1.5 * (slope + span) / 2 - roughness,
        "dominance": 3 + 1.5 * (level + tilt) / 2 - 0.5 * breath,
    }


def _rated(place: float, chance: np.random.Generator) -> float:
    said = np.clip(np.round(place + chance.normal(0, RATER_SPREAD, RATERS)), 1, 5)
    return float(said.mean())


def _votes(heard: NDArray[np.float64], chance: np.random.Generator) -> dict[str, float]:
    distances = np.array([np.mean((heard - _cues(STYLES[name])) ** 2) for name in EMOTIONS])
    likely = np.exp(-(distances - distances.min()) / DECISION)
    counts = chance.multinomial(RATERS, likely / likely.sum())
    return {name: float(count) for name, count in zip(EMOTIONS, counts, strict=True) if count}
