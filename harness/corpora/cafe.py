"""CaFE, Canadian French Emotional: twelve actors of Québec, six sentences, seven emotions, 936 clips.

Reads the owners' own layout, `Colère/Faible/01-C-1-1.wav` and `Neutre/01-N-1-1.wav`: actor (odd: a man, even: a
woman), first letter of the emotion in French, intensity (1 weak, 2 strong; neutral has only one), sentence. The
names in the owners' archive are written in code page 850: unpacked elsewhere, folders become `ColŠre` or
`D‚go–t`. What is felt is read from the file name, never from the folder. AIFF files of the 192 kHz archives are
read as well.

Reference: P. Gournay, O. Lahaie, R. Lefebvre, "A Canadian French Emotional Speech Dataset", ACM MMSys 2018,
399-402; https://zenodo.org/records/1478765
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._names import Design, Named, designed_files

FOLDERS = {
    "C": "Colère",
    "D": "Dégoût",
    "J": "Joie",
    "N": "Neutre",
    "P": "Peur",
    "S": "Surprise",
    "T": "Tristesse",
}
INTENSITIES = {"1": "Faible", "2": "Fort"}
SENTENCES = {
    "1": "Un cheval fou dans mon jardin",
    "2": "Deux ânes aigris au pelage brun",
    "3": "Trois cygnes aveugles au bord du lac",
    "4": "Quatre vieilles truies éléphantesques",
    "5": "Cinq pumas fiers et passionnés",
    "6": "Six ours aimants domestiqués",
}

FACTS = CorpusFacts(
    name="cafe",
    title="CaFE",
    languages=("fr",),
    licence="CC BY-NC-SA 4.0",
    access="open: https://zenodo.org/records/1478765 (CaFE_48k.zip)",
    citation="Gournay et al., A Canadian French Emotional Speech Dataset, ACM MMSys 2018, 399-402",
    doi="10.5281/zenodo.1478765",
    labels={
        "C": "anger",
        "D": "disgust",
        "J": "happiness",
        "N": "neutral",
        "P": "fear",
        "S": "surprise",
        "T": "sadness",
    },
    utterances=936,
    speakers=12,
    sample_rate_hz=48_000,
    other_rates_hz=(192_000,),
    downloads=(Download(url="https://zenodo.org/records/1478765/files/CaFE_48k.zip"),),
    note="S is surprise and T sadness. The owners' 192 kHz archives hold the same clips as 24-bit AIFF.",
)

LAYOUT = "the folders Colère, Dégoût, Joie, Neutre, Peur, Surprise and Tristesse: Colère/Faible/01-C-1-1.wav"


def _designed_paths() -> Iterator[str]:
    for (emotion, folder), (intensity, strength) in product(FOLDERS.items(), INTENSITIES.items()):
        neutral = emotion == "N"
        if neutral and intensity == "2":
            continue
        place = folder if neutral else f"{folder}/{strength}"
        for actor, sentence in product(range(1, 13), SENTENCES):
            yield f"{place}/{actor:02d}-{emotion}-{intensity}-{sentence}.wav"


DESIGN = Design(
    re.compile(
        r"(?P<actor>\d\d)-(?P<emotion>[CDJNPST])-(?P<intensity>[12])-(?P<sentence>[1-6])\.(?:wav|aiff?)",
        re.IGNORECASE,
    ),
    tuple(_designed_paths()),
    frozenset({".wav", ".aif", ".aiff"}),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of the design, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like CaFE, a folder's name is in no known code, or the root is the
            folder of one emotion.
    """
    return (_utterance(file) for file in designed_files(root, FACTS, LAYOUT, DESIGN))


def _utterance(file: Named) -> Utterance:
    actor, sentence = file.fields["actor"], file.fields["sentence"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=actor,
        gender="male" if int(actor) % 2 else "female",
        text=SENTENCES[sentence],
        sentence=sentence,
        language="fr",
    )
