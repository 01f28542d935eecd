"""RAVDESS, speech: 24 actors speak two statements in eight emotions, 1,440 clips.

Reads the owners' own layout, `Actor_01/03-01-06-01-02-01-12.wav`; `_ravdess` tells what the fields mean.

Reference: S. R. Livingstone, F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song
(RAVDESS)", PLoS ONE 13(5) (2018), e0196391.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._ravdess import CITATION, DOI, EMOTIONS, FILES, LICENCE, VOICES, design, utterances

FACTS = CorpusFacts(
    name="ravdess_speech",
    title="RAVDESS speech",
    languages=("en",),
    licence=LICENCE,
    access=f"open: {FILES}/Audio_Speech_Actors_01-24.zip (208 MB)",
    citation=CITATION,
    doi=DOI,
    voices=VOICES,
    labels=EMOTIONS,
    utterances=1440,
    speakers=24,
    sample_rate_hz=48_000,
    channels=(1, 2),
    downloads=(
        Download(
            url=f"{FILES}/Audio_Speech_Actors_01-24.zip",
            size_bytes=208_468_073,
            checksum="sha256:5d208e01632cc3e5242106fa2af3273e6dc5239fb8143131979ac74c4aa40657",
        ),
    ),
    note="Mono but for a few stereo files (how many is not verified). Files of the song part in the same folders"
    " belong to ravdess_song. One pair of clips holds identical samples.",
)

LAYOUT = "the folders Actor_01 to Actor_24 with names such as Actor_12/03-01-06-01-02-01-12.wav"
DESIGN = design("01", EMOTIONS, range(1, 25))


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of the design, whether its file is there or not.

    Raises:
        CorpusError: no clip of RAVDESS's speech is here, or the root is the folder of one actor.
    """
    return utterances(root, FACTS, LAYOUT, DESIGN)
