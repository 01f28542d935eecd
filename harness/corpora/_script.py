"""The script of made-up conversations: who says what, when and in which mood; a mood follows upon the last one.

Two voices take turns, in each of which one says one or two utterances. The mood goes round, turn after turn:
neutral, anger, sadness, and again neutral; one turn of ten falls out of it and has another mood. Whatever the
place in the round, six turns hold each mood twice, three turns of a voice hold each once, and those that fall out
do so anywhere: what comes next lies in the order of the turns alone, and whoever is shown them in a random order
learns nothing of it. The first six turns of a dialogue are as audible as the rest and carry no label, so that
every target has six turns before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from harness.corpora._voices import SEED, SENTENCES, Speaker, Spec, speakers

FOLLOWS = {"neutral": "anger", "anger": "sadness", "sadness": "neutral"}
FAITHFUL = 0.9
"""How often a turn has the mood whose turn it is."""
DIALOGUES, TURNS, UNLABELLED_TURNS = 6, 26, 6
"""Per session, per dialogue, and at the beginning of each."""
LINES = {
    "neutral": (
        "The bus leaves at nine.",
        "It is on the table.",
        "We can do it on Monday.",
        "That is the number.",
    ),
    "anger": (
        "How dare you do this to me!",
        "I am sick of your lies!",
        "Get out of here!",
        "This is outrageous!",
    ),
    "sadness": ("I miss her so much.", "There is no hope left.", "I feel so alone.", "It breaks my heart."),
}
"""What the transcripts say; the sound is nonsense."""
FILLERS = ("Well.", "You know what I mean.", "I heard it.", "Is that so?")
"""Said in any mood, one time of four."""


class Said(NamedTuple):
    """One utterance of the script."""

    spec: Spec
    """What is synthesised."""
    dialogue: str
    turn: int
    """Rank of the utterance by time within its dialogue."""
    label: str
    """The mood, or `undecided`."""
    text: str


def script() -> list[Said]:
    """Every utterance: dialogue by dialogue, one voice's before the other's, as IEMOCAP's files have them."""
    found = []
    for session in sorted({speaker.session for speaker in speakers()}):
        pair = [speaker for speaker in speakers() if speaker.session == session]
        for number in range(1, DIALOGUES + 1):
            said = list(_dialogue(session, number, pair))
            found += sorted(said, key=lambda one: one.spec.speaker.name)
    return found


def _dialogue(session: int, number: int, pair: list[Speaker]) -> Iterator[Said]:
    draw = np.random.default_rng([SEED, session, number])
    name = f"SYNTHETIC_S{session}D{number:02d}"
    first, rank = int(draw.integers(2)), 0
    for turn, mood in enumerate(_moods(draw)):
        speaker = pair[(first + turn) % 2]
        for _ in range(int(draw.integers(1, 3))):
            letter = "F" if speaker.gender == "female" else "M"
            spec = Spec(f"{name}_{rank:02d}{letter}", speaker, mood, int(draw.integers(len(SENTENCES))))
            lines = FILLERS if draw.random() < 0.25 else LINES[mood]
            label = "undecided" if turn < UNLABELLED_TURNS else mood
            yield Said(spec, name, rank, label, lines[int(draw.integers(len(lines)))])
            rank += 1


def _moods(draw: np.random.Generator) -> Iterator[str]:
    mood = sorted(FOLLOWS)[int(draw.integers(len(FOLLOWS)))]
    for _ in range(TURNS):
        others = sorted(set(FOLLOWS) - {mood})
        yield mood if draw.random() < FAITHFUL else others[int(draw.integers(len(others)))]
        mood = FOLLOWS[mood]
