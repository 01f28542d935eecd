"""EMOVO: six Italian actors, fourteen sentences, seven emotions, 588 clips.

Reads the owners' own layout, `f1/dis-f1-b1.wav`: emotion in Italian, speaker (`f` a woman, `m` a man), sentence
(`b` short, `l` long, `n` nonsense, `d` questions).

Reference: G. Costantini, I. Iaderola, A. Paoloni, M. Todisco, "EMOVO Corpus: an Italian Emotional Speech
Database", LREC 2014, 3501-3504 (ACL Anthology L14-1478).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._names import Design, Named, designed_files

LABELS = {
    "dis": "disgust",
    "gio": "happiness",  # gioia
    "neu": "neutral",
    "pau": "fear",  # paura
    "rab": "anger",  # rabbia
    "sor": "surprise",  # sorpresa
    "tri": "sadness",  # tristezza
}
SPEAKERS = ("f1", "f2", "f3", "m1", "m2", "m3")
SENTENCES = ("b1", "b2", "b3", "d1", "d2", "l1", "l2", "l3", "l4", "n1", "n2", "n3", "n4", "n5")

FACTS = CorpusFacts(
    name="emovo",
    title="EMOVO",
    languages=("it",),
    licence="not stated by the owners; free for research",
    access="http://voice.fub.it/activities/corpora/emovo/index.html (often down)",
    citation="Costantini et al., EMOVO Corpus: an Italian Emotional Speech Database, LREC 2014, 3501-3504",
    labels=LABELS,
    utterances=588,
    speakers=6,
    sample_rate_hz=48_000,
    channels=(2, 1),
    note="No DOI. Stereo (not verified for every file). The emotion2vec paper's Table 1 says ten speakers; the"
    " corpus has six.",
)

LAYOUT = "the folders f1, f2, f3, m1, m2 and m3 with names such as f1/dis-f1-b1.wav"
DESIGN = Design(
    re.compile(
        r"(?P<emotion>dis|gio|neu|pau|rab|sor|tri)-(?P<speaker>[fm][1-3])-(?P<sentence>[bdln]\d)\.wav",
        re.IGNORECASE,
    ),
    tuple(
        f"{speaker}/{emotion}-{speaker}-{sentence}.wav"
        for speaker, emotion, sentence in product(SPEAKERS, LABELS, SENTENCES)
    ),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of the design, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like EMOVO, or the root is the folder of one actor.
    """
    return (_utterance(file) for file in designed_files(root, FACTS, LAYOUT, DESIGN))


def _utterance(file: Named) -> Utterance:
    speaker = file.fields["speaker"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=speaker,
        gender="female" if speaker.startswith("f") else "male",
        sentence=file.fields["sentence"],
        language="it",
    )
