"""SUBESCO: twenty Bangla actors, ten sentences, seven emotions, five takes: 7,000 clips.

Reads the owners' own layout, `SUBESCO/F_10_FAHMEE_S_6_FEAR_5.wav`: gender, number and name of the speaker,
sentence, emotion, take. Women and men are numbered apart, so a speaker is `F_10` and not `10`. One published name
has a stray bracket, `F_02_MONIKA_S_2_SURPRISE_3].wav`; copies that mended it are read too.

Reference: S. Sultana, M. S. Rahman, M. R. Selim, M. Z. Iqbal, "SUST Bangla Emotional Speech Corpus (SUBESCO): An
audio-only emotional speech corpus for Bangla", PLoS ONE 16(4) (2021), e0250173.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._names import Design, Named, designed_files

LABELS = {
    "ANGRY": "anger",
    "DISGUST": "disgust",
    "FEAR": "fear",
    "HAPPY": "happiness",
    "NEUTRAL": "neutral",
    "SAD": "sadness",
    "SURPRISE": "surprise",
}
WOMEN = ("OISHI", "MONIKA", "SMITA", "SWARNALI", "MOUNI", "SIMI", "TITHI", "JOYEETA", "CHAITY", "FAHMEE")
MEN = ("BASHIR", "NIPUN", "ILIAS", "BIBHAS", "DURANTO", "SHUKANTO", "SIBLY", "PRASUN", "SHUMANTA", "EVAN")
STRAY_BRACKET = "F_02_MONIKA_S_2_SURPRISE_3"

FACTS = CorpusFacts(
    name="subesco",
    title="SUBESCO",
    languages=("bn",),
    licence="CC BY 4.0",
    access="open: https://zenodo.org/records/4526477/files/SUBESCO.zip (1.7 GB)",
    citation="Sultana et al., SUST Bangla Emotional Speech Corpus (SUBESCO), PLoS ONE 16(4) (2021), e0250173",
    doi="10.5281/zenodo.4526477",
    labels=LABELS,
    utterances=7000,
    speakers=20,
    sample_rate_hz=44_100,
    other_rates_hz=(48_000,),
    downloads=(
        Download(
            url="https://zenodo.org/records/4526477/files/SUBESCO.zip",
            size_bytes=1_664_512_929,
            checksum="sha256:7505111bc864193d1906c05f83ca50d950250c65b62ae9b1740dee44f5cdb113",
        ),
    ),
    note="4,555 files at 44.1 kHz and 2,445 at 48 kHz, mixed within speakers.",
)

LAYOUT = "7,000 names such as SUBESCO/F_10_FAHMEE_S_6_FEAR_5.wav"


def _designed_paths() -> Iterator[str]:
    people = [
        f"{gender}_{number:02d}_{name}"
        for gender, names in (("F", WOMEN), ("M", MEN))
        for number, name in enumerate(names, start=1)
    ]
    for person, sentence, emotion, take in product(people, range(1, 11), LABELS, range(1, 6)):
        stem = f"{person}_S_{sentence}_{emotion}_{take}"
        yield f"SUBESCO/{stem}{']' if stem == STRAY_BRACKET else ''}.wav"


DESIGN = Design(
    re.compile(
        r"(?P<speaker>[FM]_\d\d)_[A-Z]+_S_(?P<sentence>\d+)_(?P<emotion>[A-Z]+)_(?P<take>\d)\]?\.wav",
        re.IGNORECASE,
    ),
    tuple(_designed_paths()),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of the design, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like SUBESCO.
    """
    return (_utterance(file) for file in designed_files(root, FACTS, LAYOUT, DESIGN))


def _utterance(file: Named) -> Utterance:
    speaker = file.fields["speaker"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=speaker,
        gender="female" if speaker.startswith("F") else "male",
        sentence=file.fields["sentence"],
        language="bn",
        defect="published with a stray bracket in its name" if file.stem.endswith("]") else "",
    )
