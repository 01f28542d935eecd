"""SAVEE, Surrey Audio-Visual Expressed Emotion: four Englishmen, seven emotions, 480 sentences.

Reads the owners' own layout, `AudioData/DC/a01.wav`, where the folder names the speaker, and the flattened copies
in which the name does, `ALL/DC_a01.wav`; an id is `DC_a01` in both. Letters before the number: the emotion.
The sentences are numbered within each emotion: `a05` and `d05` need not be the same words.

Reference: S. Haq, P. J. B. Jackson, "Speaker-Dependent Audio-Visual Emotion Recognition", AVSP 2009, 53-58;
http://kahlan.eps.surrey.ac.uk/savee/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._names import Design, Named, designed_files

SPEAKERS = ("DC", "JE", "JK", "KL")
LABELS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
SENTENCES = {emotion: 30 if emotion == "n" else 15 for emotion in LABELS}

FACTS = CorpusFacts(
    name="savee",
    title="SAVEE",
    languages=("en",),
    licence="free for research, no redistribution",
    access="registration: http://kahlan.eps.surrey.ac.uk/savee/",
    citation="Haq and Jackson, Speaker-Dependent Audio-Visual Emotion Recognition, AVSP 2009, 53-58",
    labels=LABELS,
    utterances=480,
    speakers=4,
    sample_rate_hz=44_100,
    note="No DOI. All four speakers are men.",
)

LAYOUT = "AudioData/DC/a01.wav and the same of JE, JK and KL, or a flat folder of names such as DC_a01.wav"
DESIGN = Design(
    re.compile(
        r"(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>sa|su|[adfhn])(?P<sentence>\d\d)\.wav", re.IGNORECASE
    ),
    tuple(
        f"AudioData/{speaker}/{emotion}{number:02d}.wav"
        for speaker, (emotion, count) in product(SPEAKERS, SENTENCES.items())
        for number in range(1, count + 1)
    ),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per sentence of the design, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like SAVEE, or the root is the folder of one speaker.
    """
    return (_utterance(file) for file in designed_files(root, FACTS, LAYOUT, DESIGN))


def _utterance(file: Named) -> Utterance:
    speaker = file.fields["speaker"]
    return Utterance(
        id=f"{speaker}_{file.stem}",
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=speaker,
        gender="male",
        sentence=file.fields["sentence"],
        language="en",
    )
