"""URDU: four emotions in Urdu talk shows, 400 clips of 29 speakers.

Reads the owners' own layout, `Angry/SM1_F10_A010.wav`: `S`, gender and number of the speaker; `F` and the
number of the file (not a gender); the emotion's letter and a running number. The README of the corpus says 38
speakers (27 male, 11 female); the file names hold 29 (18 male, 11 female), and the names are what is read.

Reference: S. Latif, A. Qayyum, M. Usman, J. Qadir, "Cross Lingual Speech Emotion Recognition: Urdu vs.
Western Languages", FIT 2018; https://github.com/siddiquelatif/URDU-Dataset at commit 4b546d4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._index import FOLDER, IndexEntry, read_index
from harness.corpora._layout import require_layout

FACTS = CorpusFacts(
    name="urdu",
    title="URDU",
    languages=("ur",),
    licence="research only, as its README says; no licence file",
    access="open: git clone https://github.com/siddiquelatif/URDU-Dataset (commit 4b546d4)",
    citation="Latif et al., Cross Lingual Speech Emotion Recognition: Urdu vs. Western Languages, FIT 2018",
    doi="10.1109/FIT.2018.00023",
    labels={"A": "anger", "H": "happiness", "N": "neutral", "S": "sadness"},
    utterances=400,
    speakers=29,
    sample_rate_hz=44_100,
    duration_tolerance_s=0.02,
    downloads=(Download(url="https://github.com/siddiquelatif/URDU-Dataset/archive/4b546d4e.zip"),),
    commit="4b546d4e",
    note="The README claims 38 speakers; the file names hold 29.",
)

FOLDERS = {"Angry": "A", "Happy": "H", "Neutral": "N", "Sad": "S"}

LAYOUT = "the folders Angry, Happy, Neutral and Sad with names such as Angry/SM1_F10_A010.wav"
_NAME = re.compile(r"S(?P<gender>[MF])\d+_F\d+_(?P<emotion>[AHNS])\d+")


def read(root: Path) -> Iterator[Utterance]:
    """One row per published clip, whether its file is there or not.

    A clip in the folder of another emotion than its name says is no published file: it is reported as
    unexpected where it lies and as missing where it should lie.

    Raises:
        CorpusError: none of the four folders holds names of this corpus.
    """
    require_layout(root, FACTS, _recognises, LAYOUT)
    return (_utterance(entry) for entry in read_index(FOLDER / "urdu.tsv"))


def _recognises(root: Path) -> bool:
    return any(_NAME.fullmatch(path.stem) for name in FOLDERS for path in (root / name).glob("*.wav"))


def _utterance(entry: IndexEntry) -> Utterance:
    stem = Path(entry.path).stem
    speaker, _, emotion = stem.split("_")
    return Utterance(
        id=stem,
        path=entry.path,
        label_raw=emotion[0],
        speaker=speaker,
        gender="male" if speaker[1] == "M" else "female",
        language="ur",
        expected_duration_s=entry.samples / FACTS.sample_rate_hz,
        expected_pcm_sha256=entry.pcm_sha256,
    )
