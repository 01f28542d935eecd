"""What RAVDESS's speech and song have in common: names of seven two-digit fields, actors, statements, licence.

`03-01-06-01-02-01-12`: modality (03 sound alone), channel (01 speech, 02 song), emotion, intensity (01 normal,
02 strong; neutral has no strong one), statement, repetition, actor (odd: a man, even: a woman). Both parts unpack
into the same folders `Actor_XX`, so the channel in the name and not the folder says what a file belongs to. Some
copies hold the whole tree a second time inside of it: the outer one counts.

Reference: S. R. Livingstone, F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song
(RAVDESS)", PLoS ONE 13(5) (2018), e0196391; https://zenodo.org/records/1188976
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._names import Design, Named, designed_files

LICENCE = "CC BY-NC-SA 4.0"
CITATION = (
    "Livingstone and Russo, The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS),"
    " PLoS ONE 13(5) (2018), e0196391"
)
DOI = "10.5281/zenodo.1188976"
VOICES = "ravdess"
"""Actor 03 speaks in one part and sings in the other."""
FILES = "https://zenodo.org/records/1188976/files"
NEUTRAL, STRONG = "01", "02"
STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}


def design(channel: str, emotions: Iterable[str], actors: Iterable[int]) -> Design:
    """The full factorial of one channel, actor by actor."""
    pattern = re.compile(
        rf"03-{channel}-(?P<emotion>\d\d)-(?P<intensity>\d\d)-(?P<statement>\d\d)-(?P<repetition>\d\d)"
        r"-(?P<actor>\d\d)\.wav",
        re.IGNORECASE,
    )
    takes = [take for take in product(sorted(emotions), ("01", STRONG)) if take != (NEUTRAL, STRONG)]
    paths = (
        f"Actor_{actor:02d}/03-{channel}-{emotion}-{intensity}-{statement}-{repetition}-{actor:02d}.wav"
        for actor in actors
        for (emotion, intensity), statement, repetition in product(takes, STATEMENTS, ("01", "02"))
    )
    return Design(pattern, tuple(paths))


def utterances(root: Path, facts: CorpusFacts, layout: str, planned: Design) -> Iterator[Utterance]:
    """One row per file of the design, whether it is there or not.

    Raises:
        CorpusError: no file of this channel is here, or the root is the folder of one actor.
    """
    return (_utterance(file) for file in designed_files(root, facts, layout, planned))


def _utterance(file: Named) -> Utterance:
    actor, statement = file.fields["actor"], file.fields["statement"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=file.fields["emotion"],
        speaker=actor,
        gender="male" if int(actor) % 2 else "female",
        text=STATEMENTS[statement],
        sentence=statement,
        language="en",
    )
