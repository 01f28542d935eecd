"""CASIA, the 1,200 clips in circulation: four Mandarin speakers, fifty sentences, six emotions.

Reads `wangzhe/neutral/239.wav`: speaker, emotion, sentence (201 to 250). A number alone names 24 files, so an
id is `239-wangzhe-neutral`. The institute's own corpus holds 9,600 clips; this part of it is all that most
papers use, and further clips beside it are reported and not read.

Reference: Institute of Automation, Chinese Academy of Sciences, "CASIA Chinese emotion corpus" (2005),
distributed by the Chinese Linguistic Data Consortium.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._names import Design, Named, designed_files

LABELS = {
    "angry": "anger",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
SPEAKERS = ("liuchanhg", "wangzhe", "zhaoquanyin", "zhaozuoxiang")
SENTENCES = range(201, 251)

FACTS = CorpusFacts(
    name="casia",
    title="CASIA (1,200 clips)",
    languages=("zh",),
    licence="of the Chinese Academy of Sciences; the public copy is unofficial; no redistribution",
    access="unofficial copy: Baidu AI Studio, dataset 209512; all 9,600 clips by licence from the Chinese"
    " Academy of Sciences",
    citation="Institute of Automation, Chinese Academy of Sciences, CASIA Chinese emotion corpus (2005)",
    labels=LABELS,
    utterances=1200,
    speakers=4,
    sample_rate_hz=16_000,
    note="No DOI. The gender of the speakers is not documented and stays empty.",
)

LAYOUT = (
    "the folders liuchanhg, wangzhe, zhaoquanyin and zhaozuoxiang with names such as wangzhe/neutral/239.wav"
)
DESIGN = Design(
    re.compile(
        rf"(?P<speaker>{'|'.join(SPEAKERS)})/(?P<emotion>{'|'.join(LABELS)})/(?P<sentence>\d{{3}})\.wav",
        re.IGNORECASE,
    ),
    tuple(
        f"{speaker}/{emotion}/{sentence}.wav"
        for speaker, emotion, sentence in product(SPEAKERS, LABELS, SENTENCES)
    ),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of the design, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like CASIA, or the root is the folder of one speaker.
    """
    return (_utterance(file) for file in designed_files(root, FACTS, LAYOUT, DESIGN))


def _utterance(file: Named) -> Utterance:
    speaker, emotion, sentence = (file.fields[name] for name in ("speaker", "emotion", "sentence"))
    return Utterance(
        id=f"{sentence}-{speaker}-{emotion}",
        path=file.path,
        label_raw=emotion,
        speaker=speaker,
        sentence=sentence,
        language="zh",
    )
