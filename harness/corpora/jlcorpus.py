"""JL-Corpus: two women and two men of New Zealand, ten emotions, 2,400 sentences.

Reads the owners' own layout, `Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/male2_concerned_6b_1.wav`:
speaker, emotion, sentence with a letter for its session, take. The words lie beside each clip in a text file.

Reference: J. James, L. Tian, C. I. Watson, "An Open Source Emotional Speech Corpus for Human Robot Interaction
Applications", Interspeech 2018, 2768-2772.
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
    "anxious": "anxiety",
    "apologetic": "apology",
    "assertive": "assertiveness",
    "concerned": "concern",
    "encouraging": "encouragement",
    "excited": "excitement",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
}
SPEAKERS = ("female1", "female2", "male1", "male2")
FOLDER = "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)"

FACTS = CorpusFacts(
    name="jlcorpus",
    title="JL-Corpus",
    languages=("en",),
    licence="CC0 1.0",
    access="Kaggle, after registration: https://www.kaggle.com/datasets/tli725/jl-corpus",
    citation="James et al., An Open Source Emotional Speech Corpus for Human Robot Interaction Applications,"
    " Interspeech 2018, 2768-2772",
    doi="10.21437/Interspeech.2018-1349",
    labels=LABELS,
    utterances=2400,
    speakers=4,
    sample_rate_hz=44_100,
    note="Five primary and five secondary emotions. A sentence code is number and session letter, as named.",
)

LAYOUT = f"{FOLDER}/female1_angry_10a_1.wav and 2,399 more such names"
DESIGN = Design(
    re.compile(
        rf"(?P<speaker>(?:fe)?male\d)_(?P<emotion>{'|'.join(LABELS)})_(?P<sentence>\d+[ab])_(?P<take>\d)\.wav",
        re.IGNORECASE,
    ),
    tuple(
        f"{FOLDER}/{speaker}_{emotion}_{number}{session}_{take}.wav"
        for speaker, emotion, number, session, take in product(SPEAKERS, LABELS, range(1, 16), "ab", (1, 2))
    ),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of the design, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like the JL-Corpus.
    """
    return (_utterance(root, file) for file in designed_files(root, FACTS, LAYOUT, DESIGN))


def _utterance(root: Path, file: Named) -> Utterance:
    speaker = file.fields["speaker"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=speaker,
        gender="female" if speaker.startswith("female") else "male",
        text=_words((root / file.path).with_suffix(".txt")),
        sentence=file.fields["sentence"],
        language="en",
    )


def _words(path: Path) -> str:
    """What the text file beside a clip says, on one line; nothing where there is none."""
    if not path.is_file():
        return ""
    return " ".join(path.read_text(encoding="utf-8-sig", errors="replace").split())
