"""What two parts of a fold may have in common, from the gravest to the mildest."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """A way in which a test example can be known from training."""

    UTTERANCE = "utterance"
    EXACT_AUDIO = "exact_audio"
    NEAR_AUDIO = "near_audio"
    TWIN = "twin"
    SPEAKER = "speaker"
    DIALOGUE = "dialogue"
    SESSION = "session"
    SENTENCE = "sentence"

    @property
    def heading(self) -> str:
        """For a column."""
        return TITLES[self]

    @property
    def phrase(self) -> str:
        """For a sentence: `<phrase> on both sides`."""
        return PHRASES[self]


TITLES = {
    Kind.UTTERANCE: "same id",
    Kind.EXACT_AUDIO: "exact audio",
    Kind.NEAR_AUDIO: "near audio",
    Kind.TWIN: "twins",
    Kind.SPEAKER: "speakers",
    Kind.DIALOGUE: "dialogues",
    Kind.SESSION: "sessions",
    Kind.SENTENCE: "sentences",
}
PHRASES = {
    Kind.UTTERANCE: "the same utterance, by its id,",
    Kind.EXACT_AUDIO: "the same audio, sample for sample,",
    Kind.NEAR_AUDIO: "nearly the same audio",
    Kind.TWIN: "another take with the same speaker, sentence and emotion",
    Kind.SPEAKER: "the same speaker",
    Kind.DIALOGUE: "the same dialogue",
    Kind.SESSION: "the same recording session",
    Kind.SENTENCE: "the same sentence",
}
AUDIO = (Kind.EXACT_AUDIO, Kind.NEAR_AUDIO)
"""Kinds that names cannot tell."""
