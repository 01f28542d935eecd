"""RAVDESS, song: 23 actors sing two statements in six emotions, 1,012 clips; there is no song of actor 18.

Reads the owners' own layout, `Actor_01/03-02-03-01-01-01-01.wav`; `_ravdess` tells what the fields mean.

Reference: S. R. Livingstone, F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song
(RAVDESS)", PLoS ONE 13(5) (2018), e0196391.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._ravdess import CITATION, DOI, EMOTIONS, FILES, LICENCE, VOICES, design, utterances

SUNG = {code: label for code, label in EMOTIONS.items() if label not in {"disgust", "surprise"}}
WITHOUT_SONG = 18

FACTS = CorpusFacts(
    name="ravdess_song",
    title="RAVDESS song",
    languages=("en",),
    licence=LICENCE,
    access=f"open: {FILES}/Audio_Song_Actors_01-24.zip (226 MB)",
    citation=CITATION,
    doi=DOI,
    voices=VOICES,
    labels=SUNG,
    utterances=1012,
    speakers=23,
    sample_rate_hz=48_000,
    channels=(1, 2),
    downloads=(
        Download(
            url=f"{FILES}/Audio_Song_Actors_01-24.zip",
            size_bytes=225_505_317,
            checksum="sha256:89f3df66cc67ebb70c8af6f72f3f359bee497f6f763a9d863b6477619716d428",
        ),
    ),
    note="Six emotions (the emotion2vec paper's Table 1 prints eight, those of the speech). Mono but for a few"
    " stereo files (how many is not verified). Files of the speech in the same folders belong to ravdess_speech.",
)

LAYOUT = "the folders Actor_01 to Actor_24 without Actor_18, names such as Actor_01/03-02-03-01-01-01-01.wav"
DESIGN = design("02", SUNG, (actor for actor in range(1, 25) if actor != WITHOUT_SONG))


def read(root: Path) -> Iterator[Utterance]:
    """One row per clip of the design, whether its file is there or not.

    Raises:
        CorpusError: no clip of RAVDESS's song is here, or the root is the folder of one actor.
    """
    return utterances(root, FACTS, LAYOUT, DESIGN)
