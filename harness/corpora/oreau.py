"""Oréau, version 2: 32 amateur speakers of French, seven emotions, 434 clips.

Reads the owners' own layout, `OréauFR_02/f/sessj/10a02Ja.wav`: gender in the folder; in the name speaker,
sentence, first letter of the emotion in French, take; the session's folder is the emotion's letter again. The
name of the first folder is in Unicode form D (e and a combining accent) in the owners' archive and in form C
elsewhere.

The owners' archive also holds version 1 in `OréauFR_01` (502 clips, before a listening test): it is never
read.

Reference: L. Kerkeni, C. Cleder, Y. Serrestou, K. Raoof, "French Emotional Speech Database - Oréau" (2020),
https://zenodo.org/records/4405783
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._folders import agreed
from harness.corpora._names import Named, holds, named_files, require_names
from harness.errors import CorpusError

FACTS = CorpusFacts(
    name="oreau",
    title="Oréau v2",
    languages=("fr",),
    licence="CC BY 4.0",
    access="open: https://zenodo.org/records/4405783",
    citation="Kerkeni et al., French Emotional Speech Database - Oréau (2020), doi 10.5281/zenodo.4405783",
    doi="10.5281/zenodo.4405783",
    labels={
        "C": "anger",  # colère
        "D": "disgust",
        "J": "happiness",  # joie
        "N": "neutral",
        "P": "fear",  # peur
        "S": "surprise",
        "T": "sadness",  # tristesse
    },
    utterances=434,
    speakers=32,
    sample_rate_hz=44_100,
    channels=(2, 1),
    note="S is surprise and T sadness. Two channels (not verified for every file). Version 1 (502 clips) is"
    " another set and lies beside version 2 in the owners' archive.",
)

GENDERS = {"f": "female", "m": "male"}
LAYOUT = "OréauFR_02/f/sessj/10a02Ja.wav and 433 more such names"
_TAIL = (
    r"(?P<gender>[fm])/sess(?P<session>[a-z])/"
    r"(?P<speaker>\d\d)(?P<sentence>[a-z]\d\d)(?P<emotion>[CDJNPST])(?P<take>[a-z])\.wav"
)
_INSIDE = re.compile(_TAIL, re.IGNORECASE)
_VERSION_1 = re.compile(rf"[^/]*FR_0?1/{_TAIL}", re.IGNORECASE)
_VERSION_2 = re.compile(rf"[^/]*FR_0?2/{_TAIL}", re.IGNORECASE)


def read(root: Path) -> Iterator[Utterance]:
    """One row per sound file of version 2.

    Raises:
        CorpusError: nothing here is named like Oréau, or only its version 1 is here.
    """
    require_names(root, FACTS, LAYOUT, _INSIDE)
    pattern = _VERSION_2 if holds(root, _VERSION_2) else _INSIDE
    if pattern is _INSIDE:
        _refuse_version_1(root)
    return (_utterance(file) for file in named_files(root, pattern))


def _refuse_version_1(root: Path) -> None:
    if holds(root, _VERSION_1) or re.search(r"FR_0?1$", root.resolve().name):
        raise CorpusError(
            "this is version 1 of Oréau, another set of clips",
            got=f"{root}, with a folder OréauFR_01 and none OréauFR_02",
            wanted=LAYOUT,
            next_step=f"set corpus.root to the folder above OréauFR_02; to obtain it: {FACTS.access}",
        )


def _utterance(file: Named) -> Utterance:
    emotion = file.fields["emotion"].upper()
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=agreed(emotion, file.fields["session"].upper()),
        speaker=file.fields["speaker"],
        gender=GENDERS[file.fields["gender"].lower()],
        sentence=file.fields["sentence"].lower(),
        language="fr",
    )
