"""Label views: the same canonical labels as different benchmarks name, merge and drop them.

A view belongs to the task: the corpus keeps every label, and a view says what becomes of it. Sources: the paper's
is emotion2vec (arXiv 2312.15185), Tables 1 to 5 and 7; EmoBox's names are those of its label maps
(emo-box/EmoBox at 08280f2, data/*/label_map.json); the nine classes are those of the emotion2vec+ models
(tokens.txt beside their weights); the four are the field's common subset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

BIG_4 = {
    "anger": "anger",
    "happiness": "happiness",
    "excitement": "happiness",
    "neutral": "neutral",
    "sadness": "sadness",
}

EMOBOX = {
    "amusement": "Amused",
    "anger": "Angry",
    "anxiety": "Anxious",
    "apology": "Apologetic",
    "assertiveness": "Assertive",
    "boredom": "Boredom",
    "breath": "breath",
    "calm": "Calm",
    "concern": "Concerned",
    "contempt": "Contempt",
    "disappointment": "disappointment, disapproval",
    "disgust": "Disgust",
    "encouragement": "Encouraging",
    "enthusiasm": "Enthusiastic",
    "excitement": "Excited",
    "fear": "Fear",
    "happiness": "Happy",
    "neutral": "Neutral",
    "other": "Other",
    "pain": "pain, groan",
    "pleasure": "pleasure",
    "poker": "Poker",
    "sadness": "Sad",
    "sarcasm": "Sarcastic",
    "sleepiness": "Sleepy",
    "surprise": "Surprise",
    "undecided": "No-agreement",
    "unknown": "UnKnown",
    "worry": "Worried",
}
"""EmoBox's spelling, capitals and commas included."""

EMOBOX_IEMOCAP = {
    "anger": "Angry",
    "excitement": "Happy",
    "happiness": "Happy",
    "neutral": "Neutral",
    "sadness": "Sad",
}
"""EmoBox takes 5,531 of IEMOCAP's 10,039 turns; excitement is a class of its own everywhere else."""

EMOTION2VEC_9 = {
    "anger": "angry",
    "calm": "neutral",
    "disgust": "disgusted",
    "excitement": "happy",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
    "undecided": "unknown",
    "unknown": "unknown",
}
"""Every label that is not here is `other`."""


class Labels(NamedTuple):
    """What a view may look at."""

    corpus: str
    raw: str
    canonical: str
    """Empty where the corpus module does not know the raw label."""


def _paper(labels: Labels) -> str | None:
    if labels.corpus == "iemocap":
        return BIG_4.get(labels.canonical)
    if labels.corpus in ("mosi", "mosei") and labels.canonical == "neutral":
        return None
    return labels.canonical


def _emobox(labels: Labels) -> str | None:
    names = EMOBOX_IEMOCAP if labels.corpus == "iemocap" else EMOBOX
    return names.get(labels.canonical)


_RULES: Mapping[str, Callable[[Labels], str | None]] = {
    "canonical": lambda labels: labels.canonical,
    "raw": lambda labels: labels.raw,
    "paper": _paper,
    "emobox": _emobox,
    "big4": lambda labels: BIG_4.get(labels.canonical),
    "emotion2vec9": lambda labels: EMOTION2VEC_9.get(labels.canonical, "other"),
}
VIEWS = tuple(_RULES)
"""Names of the views."""


def seen_as(view: str, labels: Labels) -> str | None:
    """The class that an utterance's labels become in a view; None where the view leaves it out.

    A label that the corpus module does not know stays unknown in every view, so that it cannot vanish unseen.
    """
    unknown = not labels.canonical and view != "raw"
    return "" if unknown else _RULES[view](labels)
