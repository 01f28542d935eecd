"""ESD, Emotional Speech Database: 20 speakers of Mandarin or English, five emotions, 35,000 clips.

Reads both layouts in circulation, `0001/Neutral/0001_000001.wav` and `0001/Neutral/train/0001_000001.wav`
(also `evaluation` and `test`, the official parts of 300, 20 and 30 sentences); without those folders no part
is given. Speakers 0001 to 0010 speak Mandarin, 0011 to 0020 English. The number of a clip says its emotion,
350 each in the order of `EMOTIONS`, and the folder must agree. Speakers of a language read the same 350
sentences in every emotion.

Text comes from `0001/0001.txt`, one such file per speaker; `_esd_text` tells how they are read.

Reference: K. Zhou, B. Sisman, R. Liu, H. Li, "Seen and Unseen Emotional Style Transfer for Voice Conversion
with a New Emotional Speech Dataset", ICASSP 2021, 920-924.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._esd_text import read_texts
from harness.corpora._folders import agreed, said_by_folder
from harness.corpora._names import Design, Named, designed_files

EMOTIONS = ("Neutral", "Angry", "Happy", "Sad", "Surprise")
"""In the order of the clips' numbers."""

SENTENCES = 350
SPEAKERS = range(1, 21)
LAST_MANDARIN_SPEAKER = 10
MEN = frozenset({4, 5, 6, 8, 10, 11, 12, 13, 14, 20})
PARTS = {"train": "train", "evaluation": "dev", "test": "test"}

FACTS = CorpusFacts(
    name="esd",
    title="ESD",
    languages=("zh", "en"),
    licence="research licence on request, no redistribution",
    access="Google Drive, linked at https://hltsingapore.github.io/ESD/ after the licence form",
    citation="Zhou et al., Seen and Unseen Emotional Style Transfer for Voice Conversion with a New Emotional"
    " Speech Dataset, ICASSP 2021, 920-924",
    doi="10.1109/ICASSP39728.2021.9413391",
    labels={
        "Angry": "anger",
        "Happy": "happiness",
        "Neutral": "neutral",
        "Sad": "sadness",
        "Surprise": "surprise",
    },
    utterances=35_000,
    speakers=20,
    sample_rate_hz=16_000,
    note="The official parts share all speakers. Some lines of the transcripts are malformed; they cost the text"
    " of those clips and nothing else.",
)

LAYOUT = "the folders 0001 to 0020 with names such as 0001/Neutral/0001_000001.wav, or .../Neutral/train/..."
DESIGN = Design(
    re.compile(r"(?P<speaker>\d{4})_(?P<number>\d{6})\.wav", re.IGNORECASE),
    tuple(
        f"{speaker:04d}/{emotion}/{speaker:04d}_{rank * SENTENCES + sentence:06d}.wav"
        for speaker, (rank, emotion), sentence in product(
            SPEAKERS, enumerate(EMOTIONS), range(1, SENTENCES + 1)
        )
    ),
)
_FOLDERS = {name.lower(): name for name in EMOTIONS}


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of the design, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like ESD, or the root is the folder of one speaker.
    """
    files = designed_files(root, FACTS, LAYOUT, DESIGN)
    texts = read_texts(root, [(f"{speaker:04d}", _language(speaker)) for speaker in SPEAKERS])
    return (_utterance(file, texts) for file in files)


def _utterance(file: Named, texts: Mapping[str, str]) -> Utterance:
    speaker, number = int(file.fields["speaker"]), int(file.fields["number"])
    rank, sentence = divmod(number - 1, SENTENCES)
    language = _language(speaker)
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=agreed(EMOTIONS[rank], said_by_folder(file.path, _FOLDERS)),
        speaker=file.fields["speaker"],
        gender="male" if speaker in MEN else "female",
        text=texts.get(file.stem, ""),
        sentence=f"{language}{sentence + 1:03d}",
        language=language,
        split=said_by_folder(file.path, PARTS),
    )


def _language(speaker: int) -> str:
    return "zh" if speaker <= LAST_MANDARIN_SPEAKER else "en"
