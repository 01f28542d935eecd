"""TESS, Toronto Emotional Speech Set: two actresses, 200 words, seven emotions, 2,800 clips of "Say the word ...".

Reads the owners' own layout, `OAF_back_angry.wav`: older (`OAF`, 64) or younger (`YAF`, 26) actress, word,
emotion (`ps`: pleasant surprise). Some copies write `OA_bite_neutral.wav`, some hold the tree twice. Which words
there are is read from the names: a word that most of its fourteen clips are here for is expected fourteen times.

Reference: M. K. Pichora-Fuller, K. Dupuis, "Toronto emotional speech set (TESS)", Borealis (2020),
doi 10.5683/SP2/E8H2MF.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._names import Design, Named, designed_files, named_files

LABELS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "ps": "surprise",
    "sad": "sadness",
}
LOST = dict.fromkeys(("YAF_germ_angry", "YAF_neat_fear"), "its header is damaged in some copies")
DEFECTS = {"OAF_food_fear": "at 96 kHz, all others at 24.414 kHz", **LOST}

FACTS = CorpusFacts(
    name="tess",
    title="TESS",
    languages=("en",),
    licence="CC BY-NC-ND 4.0",
    access="open: https://tspace.library.utoronto.ca/handle/1807/24487 or https://doi.org/10.5683/SP2/E8H2MF",
    citation="Pichora-Fuller and Dupuis, Toronto emotional speech set (TESS), Borealis (2020)",
    doi="10.5683/SP2/E8H2MF",
    labels=LABELS,
    utterances=2800,
    speakers=2,
    sample_rate_hz=24_414,
    other_rates_hz=(96_000,),
    downloads=(
        Download(
            url="https://bj.bcebos.com/paddleaudio/datasets/TESS_Toronto_emotional_speech_set.zip",
            checksum="md5:1465311b24d1de704c4c63e4ccc470c7",
        ),
    ),
    note="The owners' pages have no lasting address for the whole set: the download is the unchanged copy of the"
    " PaddleSpeech project, with the checksum that its audio/paddle/datasets/tess.py states.",
)

LAYOUT = "2,800 names such as OAF_back_angry.wav and YAF_back_angry.wav"
PATTERN = re.compile(
    rf"(?P<age>[OY])AF?_(?P<word>[a-z]+)_(?P<emotion>{'|'.join(LABELS)})\.wav", re.IGNORECASE
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of every word, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like TESS.
    """
    design = Design(PATTERN, tuple(_designed_paths(named_files(root, PATTERN))))
    return (_utterance(file) for file in designed_files(root, FACTS, LAYOUT, design))


def _designed_paths(found: Sequence[Named]) -> Iterator[str]:
    """Fourteen clips of each word that is here; of a word that is hardly here the clips that are."""
    clips = Counter(file.fields["word"].lower() for file in found)
    whole = sorted(word for word, count in clips.items() if count >= len(LABELS))  # half of fourteen
    for age, word, emotion in product("OY", whole, LABELS):
        yield f"{age}AF_{word}_{emotion}.wav"
    for age, word, emotion in (tuple(file.fields.values()) for file in found):
        if word.lower() not in whole:
            yield f"{age}AF_{word}_{emotion}.wav"


def _utterance(file: Named) -> Utterance:
    speaker, word = f"{file.fields['age']}AF", file.fields["word"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=speaker,
        gender="female",
        text=word,
        sentence=word,
        language="en",
        defect=DEFECTS.get(file.stem, ""),
        lost=file.stem in LOST,
    )
