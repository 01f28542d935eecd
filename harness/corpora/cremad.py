"""CREMA-D: 91 actors of many origins, twelve English sentences, six emotions, 7,442 clips.

Reads the owners' own layout, `AudioWAV/1001_DFA_ANG_XX.wav`: actor, sentence, emotion, level. Only the
sentence IEO is spoken at three levels (LO, MD, HI) of every emotion but neutral; all else is XX. 20 clips of
that design were never published. Gender is in `VideoDemographics.csv` alone: without that table it stays
empty.

The label is the emotion that was asked for; what listeners heard lies in `processedResults/` and is not read.

Reference: H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova, R. Verma, "CREMA-D: Crowd-sourced
Emotional Multimodal Actors Dataset", IEEE Transactions on Affective Computing 5(4) (2014), 377-390.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._annotation import find_files
from harness.corpora._names import Design, Named, designed_files
from harness.corpora._tables import Row, read_table

log = logging.getLogger(__name__)

LABELS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}
ACTORS = range(1001, 1092)
NEVER_PUBLISHED = frozenset(
    {
        ("1002", "TIE", "NEU"),
        ("1076", "ITS", "NEU"),
        *product(["1008"], ["WSI"], LABELS),
        *product(["1009"], ["MTI"], LABELS),
        *product(["1019"], ["ITH"], LABELS),
    }
)
DEFECTS = {"1076_MTI_SAD_XX": "silent in every copy"}

TABLE = "VideoDemographics.csv"
GENDERS = {"male": "male", "female": "female"}

FACTS = CorpusFacts(
    name="cremad",
    title="CREMA-D",
    languages=("en",),
    licence="ODbL 1.0, its contents DbCL 1.0",
    access="open: git clone https://github.com/CheyneyComputerScience/CREMA-D && cd CREMA-D && git lfs pull"
    ' --include "AudioWAV/*" (Git LFS; without it the files are pointers of 130 bytes). The owners ask for their'
    " form to be filled in",
    citation="Cao et al., CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset, IEEE Transactions on"
    " Affective Computing 5(4) (2014), 377-390",
    doi="10.1109/TAFFC.2014.2336244",
    labels=LABELS,
    utterances=7442,
    speakers=91,
    sample_rate_hz=16_000,
    note="Labels are the acted emotion, not the listeners' votes. 1076_MTI_SAD_XX.wav is silent. The MP3 and Flash"
    " versions, of which more clips are bad, are not read. No single download: the sound lies in Git LFS.",
)

LAYOUT = f"AudioWAV/1001_DFA_ANG_XX.wav and 7,441 more such names, {TABLE} beside AudioWAV"


def _designed_paths() -> Iterator[str]:
    for actor, sentence, emotion in product(map(str, ACTORS), SENTENCES, LABELS):
        if (actor, sentence, emotion) in NEVER_PUBLISHED:
            continue
        graded = sentence == "IEO" and emotion != "NEU"
        for level in ("LO", "MD", "HI") if graded else ("XX",):
            yield f"AudioWAV/{actor}_{sentence}_{emotion}_{level}.wav"


DESIGN = Design(
    re.compile(
        rf"(?P<actor>1\d{{3}})_(?P<sentence>{'|'.join(SENTENCES)})_(?P<emotion>{'|'.join(LABELS)})"
        r"_(?P<level>LO|MD|HI|XX)\.wav",
        re.IGNORECASE,
    ),
    tuple(_designed_paths()),
)


def read(root: Path) -> Iterator[Utterance]:
    """One row per published clip, whether its file is there or not.

    Raises:
        CorpusError: nothing here is named like CREMA-D, or the table of actors cannot be read.
    """
    files = designed_files(root, FACTS, LAYOUT, DESIGN)
    genders = _genders(root)
    return (_utterance(file, genders) for file in files)


def _utterance(file: Named, genders: Mapping[str, str]) -> Utterance:
    actor, sentence = file.fields["actor"], file.fields["sentence"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=actor,
        gender=genders.get(actor, ""),
        text=SENTENCES[sentence],
        sentence=sentence,
        language="en",
        defect=DEFECTS.get(file.stem, ""),
    )


def _genders(root: Path) -> dict[str, str]:
    """Actor -> gender, from the owners' table at the root, or beside it where the root is `AudioWAV` itself."""
    here = [root / path for path in find_files(root, [TABLE.lower()])]
    beside = root.resolve().parent / TABLE
    tables = here or ([beside] if beside.is_file() else [])
    if not tables:
        log.warning(
            "%s has no %s: the gender of its speakers stays empty; fetch that table from %s",
            root,
            TABLE,
            "https://github.com/CheyneyComputerScience/CREMA-D",
        )
        return {}
    return {row["ActorID"]: _gender(row) for row in read_table(tables[0], ["ActorID", "Sex"])}


def _gender(row: Row) -> str:
    gender = GENDERS.get(row["Sex"].lower())
    if gender is None:
        raise row.refused("Sex", "Male or Female")
    return gender
