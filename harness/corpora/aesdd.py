"""AESDD, Acted Emotional Speech Dynamic Database: six Greek actors, twenty utterances, five emotions, 605 files.

Reads the owners' own layout, `anger/a03 (3).wav`: first letter of the emotion, utterance (20 is improvised),
speaker in brackets and, where there is a second take, a letter behind them. Five names write speaker 1 as `(01)`.
Three recordings were never made, nine names carry a letter, and one published file holds no sound.

Reference: N. Vryzas, R. Kotsakis, A. Liatsou, C. A. Dimoulas, G. Kalliris, "Speech Emotion Recognition for
Performance Interaction", Journal of the Audio Engineering Society 66(6) (2018), 457-467.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._names import Design, Named, designed_files

LABELS = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "s": "sadness"}
NEVER_RECORDED = frozenset({"d18 (5)", "f02 (4)", "h11 (3)"})
SECOND_TAKES = ("a06", "d01", "d03", "d04", "f18", "s01", "s02", "s04")
"""Of speaker 5; both takes of s01 carry a letter, of the others only the second."""
TWO_DIGITS = frozenset({"d03 (1)", "f10 (1)", "f11 (1)", "f12 (1)", "f13 (1)"})
"""Published as `(01)`."""
WITHOUT_SOUND = "s05 (3)"

FACTS = CorpusFacts(
    name="aesdd",
    title="AESDD",
    languages=("el",),
    licence="none stated by the owners; treat as research only, no redistribution",
    access="folder linked at http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition/",
    citation="Vryzas et al., Speech Emotion Recognition for Performance Interaction, JAES 66(6) (2018), 457-467",
    doi="10.17743/jaes.2018.0036",
    labels=LABELS,
    utterances=605,
    speakers=6,
    sample_rate_hz=44_100,
    note="One of 605 files cannot be read in any copy: 604 are used. The README of the first version says five"
    " actors (three women, two men), the names hold six; who is who is not published, so genders are empty.",
)

LAYOUT = "the folders anger, disgust, fear, happiness and sadness with names such as anger/a03 (3).wav"


def _designed_paths() -> Iterator[str]:
    for (letter, emotion), number, speaker in product(LABELS.items(), range(1, 21), range(1, 7)):
        code = f"{letter}{number:02d}"
        name = f"{code} ({speaker})"
        if name not in NEVER_RECORDED:
            yield from (f"{emotion}/{spelled}.wav" for spelled in _spellings(code, name, speaker))


def _spellings(code: str, name: str, speaker: int) -> tuple[str, ...]:
    """How the takes of one utterance by one speaker are written."""
    if speaker == 5 and code in SECOND_TAKES:
        return (f"{name}a" if code == "s01" else name, f"{name}b")
    return (f"{code} (0{speaker})",) if name in TWO_DIGITS else (name,)


DESIGN = Design(
    re.compile(
        r"(?P<emotion>[adfhs])(?P<sentence>\d\d) \(0?(?P<speaker>\d)\)(?P<take>[ab]?)\.wav", re.IGNORECASE
    ),
    tuple(_designed_paths()),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per published file, whether it is there or not.

    Raises:
        CorpusError: nothing here is named like AESDD, or the root is the folder of one emotion.
    """
    return (_utterance(file) for file in designed_files(root, FACTS, LAYOUT, DESIGN))


def _utterance(file: Named) -> Utterance:
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=file.fields["speaker"],
        sentence=file.fields["sentence"],
        language="el",
        defect="published without sound" if file.stem == WITHOUT_SOUND else "",
        lost=file.stem == WITHOUT_SOUND,
    )
