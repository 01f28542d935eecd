"""EmoV-DB, the Emotional Voices Database: four speakers, five ways of speaking, CMU Arctic sentences, 6,893 clips.

Reads the owners' sorted layout, `bea_Amused/amused_57-84_0057.wav`: speaker and emotion in the folder; in the
name the emotion in the owners' varying spelling (`Neutral`/`neutral`, `113-140`/`113_140`), the range of
sentences that was recorded at once, and the sentence of CMU Arctic A. Six times a speaker has one sentence
twice in one emotion, in two ranges: an id therefore keeps the whole name, `bea_Amused/amused_57-84_0057`.

Reference: A. Adigwe, N. Tits, K. El Haddad, S. Ostadabbas, T. Dutoit, "The Emotional Voices Database: Towards
Controlling the Emotion Dimension in Voice Generation Systems", arXiv:1806.09514 (2018).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._folders import agreed
from harness.corpora._names import Named, named_files, require_names

GENDERS = {"bea": "female", "jenie": "female", "josh": "male", "sam": "male"}
WORDS = {
    "amused": "Amused",
    "anger": "Angry",
    "angry": "Angry",
    "disgust": "Disgust",
    "disgusted": "Disgust",
    "neutral": "Neutral",
    "sleepiness": "Sleepy",
    "sleepy": "Sleepy",
}
"""How folders and file names spell an emotion -> our raw label."""

FOLDERS = {
    "Amused": "Amused",
    "Angry": "Angry",
    "Disgust": "Disgusted",
    "Neutral": "Neutral",
    "Sleepy": "Sleepy",
}
NOT_RECORDED = frozenset({("josh", "Angry"), ("josh", "Disgusted")})

FACTS = CorpusFacts(
    name="emovdb",
    title="EmoV-DB",
    languages=("en",),
    licence="of the owners, for non-commercial use only (text in their repository)",
    access="open: https://www.openslr.org/115/ (sorted)",
    citation="Adigwe et al., The Emotional Voices Database: Towards Controlling the Emotion Dimension in Voice"
    " Generation Systems, arXiv:1806.09514 (2018)",
    doi="10.48550/arXiv.1806.09514",
    labels={
        "Amused": "amusement",
        "Angry": "anger",
        "Disgust": "disgust",
        "Neutral": "neutral",
        "Sleepy": "sleepiness",
    },
    utterances=6893,
    speakers=4,
    sample_rate_hz=16_000,
    other_rates_hz=(44_100,),
    downloads=tuple(
        Download(url=f"https://www.openslr.org/resources/115/{folder}.tar.gz", folder=folder)
        for folder in (
            f"{speaker}_{emotion}"
            for speaker, emotion in product(GENDERS, FOLDERS.values())
            if (speaker, emotion) not in NOT_RECORDED
        )
    ),
    note="bea is at 44.1 kHz, the others at 16 kHz. josh has neither anger nor disgust. The owners' README counts"
    " 7,000 clips, the archives hold 6,893. Ids by speaker, emotion and sentence alone (EmoBox) lose six. Some"
    " numbers lie outside of the range in the same name: such sentence codes are doubtful.",
)

LAYOUT = (
    "18 folders with names such as bea_Amused/amused_57-84_0057.wav: each archive in a folder of its name"
)
_NAME = re.compile(
    rf"(?P<speaker>{'|'.join(GENDERS)})[_/](?P<emotion>{'|'.join(sorted(WORDS, reverse=True))})/"
    rf"(?P<spelled>{'|'.join(sorted(WORDS, reverse=True))})_(?P<range>\d+[-_]\d+)_(?P<sentence>\d{{4}})\.wav",
    re.IGNORECASE,
)


class Take(NamedTuple):
    """What two recordings of the same sentence share."""

    speaker: str
    emotion: str
    sentence: str


def read(root: Path) -> Iterator[Utterance]:
    """One row per sound file.

    Raises:
        CorpusError: nothing here is named like EmoV-DB, or its archives lie unpacked in one folder.
    """
    require_names(root, FACTS, LAYOUT, _NAME)
    files = named_files(root, _NAME)
    takes = Counter(map(_take, files))
    return (_utterance(file, takes[_take(file)]) for file in files)


def _take(file: Named) -> Take:
    fields = file.fields
    return Take(fields["speaker"].lower(), WORDS[fields["emotion"].lower()], fields["sentence"])


def _utterance(file: Named, takes: int) -> Utterance:
    speaker, emotion, sentence = _take(file)
    return Utterance(
        id=f"{speaker}_{FOLDERS[emotion]}/{file.stem}",
        path=file.path,
        label_raw=agreed(WORDS[file.fields["spelled"].lower()], emotion),
        speaker=speaker,
        gender=GENDERS[speaker],
        sentence=sentence,
        language="en",
        defect=f"one of {takes} recordings of the same sentence by its number" if takes > 1 else "",
    )
