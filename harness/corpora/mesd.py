"""MESD, Mexican Emotional Speech Database: single Spanish words, six emotions, 862 clips.

Reads the owners' own layout, `Anger_F_A_tarde.wav` at the root or in the folder `Mexican Emotional Speech
Database (MESD)` of their archive: emotion, voice (a woman, a man, a child), word corpus (A: the same words in
every emotion, B: words of the emotion), word.

Its README speaks of eleven speakers; the file names know three kinds of voice and no person, so the speaker
is empty, and no protocol that needs speakers can be run on this corpus.

Reference: M. M. Duville, L. M. Alonso-Valerdi, D. I. Ibarra-Zarate, "The Mexican Emotional Speech Database
(MESD): elaboration and assessment based on machine learning", EMBC 2021, 1644-1647.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._names import Named, named_files, require_names

LABELS = {
    "Anger": "anger",
    "Disgust": "disgust",
    "Fear": "fear",
    "Happiness": "happiness",
    "Neutral": "neutral",
    "Sadness": "sadness",
}
GENDERS = {"F": "female", "M": "male", "C": ""}
"""C is a child, girl or boy."""

ODD_WORDS = {
    ("A", "lento dentro"): "two words of the list in one file",
    ("A", "afuera"): "not a word of the list (fuera)",
}

FACTS = CorpusFacts(
    name="mesd",
    title="MESD",
    languages=("es",),
    licence="CC BY 4.0",
    access="open: https://data.mendeley.com/datasets/cy34mh68j9/5 (button Download All; no lasting file address)",
    citation="Duville et al., The Mexican Emotional Speech Database (MESD): elaboration and assessment based on"
    " machine learning, EMBC 2021, 1644-1647",
    doi="10.17632/cy34mh68j9.5",
    labels=LABELS,
    utterances=862,
    speakers=0,
    sample_rate_hz=48_000,
    note="No speaker ids: the letter after the emotion is a kind of voice, not a person. 864 clips were planned;"
    " Anger_C_A and Neutral_C_A have 23 of 24.",
)

LAYOUT = "862 names such as Anger_F_A_tarde.wav"
_NAME = re.compile(
    rf"(?P<emotion>{'|'.join(LABELS)})_(?P<voice>[FMC])_(?P<words>[AB])_(?P<word>[^/]+)\.wav", re.IGNORECASE
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per sound file.

    Raises:
        CorpusError: nothing here is named like MESD.
    """
    require_names(root, FACTS, LAYOUT, _NAME)
    return (_utterance(file) for file in named_files(root, _NAME))


def _utterance(file: Named) -> Utterance:
    word = file.fields["word"].replace("_", " ")
    return Utterance(
        id=file.stem.replace(" ", "_"),
        path=file.path,
        label_raw=file.fields["emotion"].capitalize(),
        speaker="",
        gender=GENDERS[file.fields["voice"].upper()],
        text=word,
        sentence=word,
        language="es",
        defect=ODD_WORDS.get((file.fields["words"].upper(), word), ""),
    )
