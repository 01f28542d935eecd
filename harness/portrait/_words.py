"""What the numbers say, in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.portrait._cues import NUMBERS, CueReport

if TYPE_CHECKING:
    import pandas as pd

GIVES_AWAY = 0.25
"""From a quarter of the way from guessing to knowing on, a cue is said to give the label away (our own line)."""

NOTHING = "tells nothing that can be shown"

ENDS = {
    "level": ("the loudest class", "the quietest", "dBFS", "dB", 1.0),
    "duration": ("the longest class", "the shortest", "s", "s", 1.0),
    "silence": ("the class with most silence", "the one with least", "%", "points", 100.0),
}
"""How the two ends of a number are called, its unit, the unit of a difference, and a factor."""

METHOD = (
    "How this was asked: utterances of the other four fifths with the same name, or a number in the same of up to"
    " 16 bins, vote for their class; five random folds within the corpus, and five that share no speaker. UA is"
    " the mean recall of the classes. The intervals treat utterances as independent; those of one speaker are"
    " not, so the true intervals are wider. This shows what can be exploited in this corpus, not why it is so: a"
    " real difference between emotions (anger is louder) and an accident of the recording look the same here."
    " The column `within speakers` is eta squared after each speaker's own mean was taken off."
)


def verdict(report: CueReport) -> str:
    """Three steps: gives the label away, tells something, tells nothing that could be shown."""
    if report.ua - report.ua_half_width <= report.chance:
        return NOTHING
    return "gives the label away" if report.skill >= GIVES_AWAY else "tells something"


def sentence(report: CueReport, traits: pd.DataFrame) -> str:
    """One cue in words: verdict, how far apart the classes are, what can be guessed from it."""
    said = verdict(report)
    apart = f": {_ends(report.cue, traits)}" if report.cue in NUMBERS and said != NOTHING else ""
    unheard = 100 * report.ua_new_speakers
    new = "" if math.isnan(unheard) else f", {unheard:.0f} % for speakers that were not heard before"
    return (
        f"{report.cue.capitalize()} {said}{apart}. Knowing nothing else, one gets"
        f" UA {100 * report.ua:.0f} ± {100 * report.ua_half_width:.0f} %"
        f" (chance {100 * report.chance:.0f} %){new};"
        f" WA {100 * report.wa:.0f} % (majority {100 * report.majority:.0f} %).{_alone(report.cue, traits)}"
    )


def _ends(cue: str, traits: pd.DataFrame) -> str:
    top, bottom, unit, difference, factor = ENDS[cue]
    means = factor * traits.groupby("label")[NUMBERS[cue]].mean().sort_values()
    low, high = means.iloc[0], means.iloc[-1]
    return (
        f"{means.index[-1]} is {top} ({high:.1f} {unit} on average), {means.index[0]} {bottom} ({low:.1f} {unit}),"
        f" {high - low:.1f} {difference} apart"
    )


def _alone(cue: str, traits: pd.DataFrame) -> str:
    """Names that come with one class only; those said once are no news."""
    if cue in NUMBERS:
        return ""
    known = traits[traits[cue] != ""]
    classes = known.groupby(cue)["label"].agg(["nunique", "size"])
    often = classes[classes["size"] > 1]
    alone = int((often["nunique"] == 1).sum())
    return (
        f" {alone} of {len(often)} {cue}s with more than one utterance have one class only." if alone else ""
    )
