"""ASED, Amharic Speech Emotion Dataset, version 1: 65 speakers, seven sentences, five emotions, 2,474 clips.

Reads the owners' own layout, `05Angry/a5-02-01-01-33.wav`: letter and number of the emotion, sentence,
repetition, gender (01 a woman, 02 a man), speaker. One letter is a capital, `04Sad/S4-04-02-01-29.wav`, and
means the same. The gender is that of each name: of five speakers (09, 15, 21, 23, 25) a single clip names the
other one.

Reference: E. A. Retta, E. Almekhlafi, R. Sutcliffe, M. Mhamed, H. Ali, J. Feng, "A New Amharic Speech Emotion
Dataset and Classification Benchmark", ACM TALLIP 22(1) (2023).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._folders import agreed, refuse_part, said_by_folder
from harness.corpora._names import Named, named_files, require_names

FACTS = CorpusFacts(
    name="ased",
    title="ASED v1",
    languages=("am",),
    licence="none stated by the owners; treat as research only, no redistribution",
    access="open: git clone https://github.com/wgwangang/ASED_V1 (commit 3feb6d2)",
    citation="Retta et al., A New Amharic Speech Emotion Dataset and Classification Benchmark, ACM TALLIP 22(1)"
    " (2023)",
    doi="10.1145/3529759",
    labels={
        "a": "anger",
        "f": "fear",
        "h": "happiness",
        "n": "neutral",
        "s": "sadness",
        "S": "sadness",  # one file
    },
    utterances=2474,
    speakers=65,
    sample_rate_hz=16_000,
    downloads=(Download(url="https://github.com/wgwangang/ASED_V1/archive/3feb6d2.zip"),),
    note="Four pairs of clips hold equal samples. The archive is made by GitHub: no size or checksum is"
    " published.",
)

FOLDERS = {"01neutral": "n", "02fearful": "f", "03happy": "h", "04sad": "s", "05angry": "a"}
NUMBERS = {"1": "n", "2": "f", "3": "h", "4": "s", "5": "a"}
GENDERS = {"01": "female", "02": "male"}

LAYOUT = "the folders 01Neutral, 02Fearful, 03Happy, 04Sad and 05Angry: 05Angry/a5-02-01-01-33.wav"
_NAME = re.compile(
    r"(?P<emotion>[nfhsa])(?P<number>[1-5])-(?P<sentence>\d\d)-(?P<repetition>\d\d)-(?P<gender>0[12])"
    r"-(?P<speaker>\d\d)\.wav",
    re.IGNORECASE,
)
_PART = re.compile("|".join(FOLDERS), re.IGNORECASE)


def read(root: Path) -> Iterator[Utterance]:
    """One row per sound file.

    Raises:
        CorpusError: nothing here is named like ASED, or the root is the folder of one emotion.
    """
    require_names(root, FACTS, LAYOUT, _NAME)
    refuse_part(root, FACTS, LAYOUT, _PART)
    return (_utterance(file) for file in named_files(root, _NAME))


def _utterance(file: Named) -> Utterance:
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=_label(file),
        speaker=file.fields["speaker"],
        gender=GENDERS[file.fields["gender"]],
        sentence=file.fields["sentence"],
        language="am",
        defect="its name begins with a capital letter" if file.stem.startswith("S") else "",
    )


def _label(file: Named) -> str:
    """The letter as it is written, or what contradicts it: the number after it, or the folder."""
    letter = file.fields["emotion"]
    others = (NUMBERS[file.fields["number"]], said_by_folder(file.path, FOLDERS))
    other = next((code for code in others if code not in {"", letter.lower()}), "")
    return agreed(letter, other)
