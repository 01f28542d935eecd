"""ASVP-ESD: speech and non-speech sounds of emotion from films, shows and the net, 131 speakers, 13,964 clips.

Reads the owners' own layout, `Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav` and, for babies,
`Bonus/actor_101/...`: modality, vocal channel (01 speech, 02 non-speech), emotion, intensity, statement,
speaker (odd: a woman, even: a man), age, source, language and running numbers. Names have 8 to 12 fields, a
few with a blank inside (`...-14 -03.wav`); the speaker is that of the name, since one folder is called
`actor_` alone.

63 % of the clips are no speech. The manifest says so in the column of the language, `zxx` (ISO 639: no
linguistic content); which language a speech clip is in stays open (`und`), because the tables of the language
field that circulate contradict each other.

Reference: D. T. Landry, Q. He, H. Yan, Y. Li, "ASVP-ESD: A dataset and its benchmark for emotion recognition
using both speech and non-speech utterances", Global Scientific Journals 8(5) (2020), 1793-1798.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._folders import refuse_part
from harness.corpora._names import Named, named_files, require_names

FACTS = CorpusFacts(
    name="asvpesd",
    title="ASVP-ESD",
    languages=("zh", "en", "fr", "ru", "mul"),
    licence="open access on Zenodo, licence not verified; treat as research only, no redistribution",
    access="open: https://zenodo.org/records/7132783 (ASVP-ESD-Update.zip)",
    citation="Landry et al., ASVP-ESD: A dataset and its benchmark for emotion recognition using both speech and"
    " non-speech utterances, Global Scientific Journals 8(5) (2020), 1793-1798",
    doi="10.5281/zenodo.7132783",
    labels={
        "01": "boredom",
        "02": "neutral",
        "03": "happiness",
        "04": "sadness",
        "05": "anger",
        "06": "fear",
        "07": "disgust",
        "08": "surprise",
        "09": "excitement",
        "10": "pleasure",
        "11": "pain",
        "12": "disappointment",
        "13": "breath",
        "17": "unknown",  # one clip; the owners' table ends at 13
    },
    utterances=13_964,
    speakers=131,
    sample_rate_hz=16_000,
    counts_vary="releases of this corpus hold 5,146, 7,812, 13,285 or 13,964 clips: name yours in a report",
    downloads=(Download(url="https://zenodo.org/records/7132783/files/ASVP-ESD-Update.zip"),),
    note="8,824 of 13,964 clips are no speech (language zxx); 5,140 are speech."
    " Filter by the language for a task of speech. The README names 12 emotions, the data hold 14 codes.",
)

LAYOUT = "the folders Audio and Bonus with names such as Audio/actor_36/03-01-09-01-06-36-02-02-01-39.wav"
_NAME = re.compile(
    r"(?P<modality>\d\d)-(?P<vocal>\d\d)-(?P<emotion>\d\d)-(?P<intensity>\d+)-(?P<statement>\d+)"
    r"-(?P<speaker>\d+)(?P<rest>(?: ?- ?\d+ ?){2,6})\.wav",
    re.IGNORECASE,
)
_PART = re.compile(r"audio|bonus|actor_\d*", re.IGNORECASE)
LANGUAGES = {"01": "und", "02": "zxx"}
"""By the vocal channel, the field that says whether anything is spoken."""


def read(root: Path) -> Iterator[Utterance]:
    """One row per sound file.

    Raises:
        CorpusError: nothing here is named like ASVP-ESD, or the root is one of its folders.
    """
    require_names(root, FACTS, LAYOUT, _NAME)
    refuse_part(root, FACTS, LAYOUT, _PART)
    return (_utterance(file) for file in named_files(root, _NAME))


def _utterance(file: Named) -> Utterance:
    speaker = file.fields["speaker"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=speaker,
        gender="female" if int(speaker) % 2 else "male",
        language=LANGUAGES.get(file.fields["vocal"], "und"),
    )
