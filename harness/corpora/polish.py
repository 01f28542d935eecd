"""Emotions in Polish speech recordings: five men, six words, three emotions, five takes: 450 clips.

Reads the owners' own layout, `m1.a_nie_2.wav`: speaker, emotion in Polish (`s` is strach, fear), word, take.

Reference: Gdańsk University of Technology, "Emotions in Polish speech recordings", Most Wiedzy open research
data, doi 10.34808/h46c-hb44.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._names import Design, Named, designed_files

LABELS = {
    "a": "anger",  # agresja
    "n": "neutral",
    "s": "fear",  # strach
}
SPEAKERS = ("m1", "m2", "m3", "m4", "m5")
WORDS = ("nie", "oddaj", "podaj", "stop", "tak", "trzymaj")

FACTS = CorpusFacts(
    name="polish",
    title="Emotions in Polish speech recordings",
    languages=("pl",),
    licence="open data of Gdańsk University of Technology, terms on the record",
    access="open: https://mostwiedzy.pl/en/open-research-data/"
    "emotions-in-polish-speech-recordings,11190523461146169-0",
    citation="Emotions in Polish speech recordings, Gdańsk University of Technology, Most Wiedzy",
    doi="10.34808/h46c-hb44",
    labels=LABELS,
    utterances=450,
    speakers=5,
    sample_rate_hz=44_100,
    note="s is fear (strach), not sadness. All speakers are men.",
)

LAYOUT = "450 names such as m1.a_nie_2.wav"
DESIGN = Design(
    re.compile(r"(?P<speaker>m\d)\.(?P<emotion>[ans])_(?P<word>[a-z]+)_(?P<take>\d)\.wav", re.IGNORECASE),
    tuple(
        f"{speaker}.{emotion}_{word}_{take}.wav"
        for speaker, emotion, word, take in product(SPEAKERS, LABELS, WORDS, range(1, 6))
    ),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of the design, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like this corpus.
    """
    return (_utterance(file) for file in designed_files(root, FACTS, LAYOUT, DESIGN))


def _utterance(file: Named) -> Utterance:
    word = file.fields["word"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=file.fields["speaker"],
        gender="male",
        text=word,
        sentence=word,
        language="pl",
    )
