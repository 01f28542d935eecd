"""CMU-MOSI: 2,199 opinion segments of 93 film reviews on YouTube, sentiment in [-3, 3].

The sound is cut already: `Raw/Audio/WAV_16000/Segmented/<video>_<clip>.wav`, or `Raw/<video>/<clip>.mp4` in
MMSA's copy. A video's name has eleven characters and may hold `_` and `-`; clips count from 1, and copies pad the
number with zeros or not, which is ignored on both sides. Labels come from MMSA's `label.csv`, or from the owners'
sequence `CMU_MOSI_Opinion_Labels.csd`, whose segments are numbered by time. Text comes from the table, else from
`<video>.annotprocessed`, which does not cover every segment.

No speaker ids are distributed (93 videos of 89 people), so the video stands for the speaker. Canonical labels are
the sign of the sentiment; zero is kept as neutral here, and the papers drop it. Official parts: `standard_folds`
in `_opinions`.

Reference: A. Zadeh, R. Zellers, E. Pincus, L.-P. Morency, "MOSI: Multimodal Corpus of Sentiment Intensity and
Subjectivity Analysis in Online Opinion Videos", arXiv:1606.06259, 2016.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._annotation import require_annotation
from harness.corpora._clips import CONVERTED, Clips, clips
from harness.corpora._names import holds
from harness.corpora._opinions import (
    LABEL_TABLE,
    LABELS,
    raw_score,
    read_label_table,
    read_opinions,
    rounded,
    sign,
    standard_folds,
)
from harness.corpora._tables import read_text
from harness.errors import CorpusError

FACTS = CorpusFacts(
    name="mosi",
    title="CMU-MOSI",
    languages=("en",),
    licence="licence text of the CMU-MultimodalSDK; the videos remain with their authors: research use",
    access="the owners' server (immortal.multicomp.cs.cmu.edu) is reported offline; ask them:"
    " http://multicomp.cs.cmu.edu/resources/cmu-mosi-dataset/",
    citation="Zadeh et al., MOSI, arXiv:1606.06259, 2016",
    labels=LABELS,
    utterances=2_199,
    speakers=93,
    sample_rate_hz=16_000,
    other_rates_hz=(44_100, 48_000),  # of the videos in MMSA's copy
    channels=(1, 2),
    note="No DOI; arXiv:1606.06259. The papers drop the 96 segments with sentiment zero.",
)

LABEL_FILES = (LABEL_TABLE, "cmu_mosi_opinion_labels.csd", "opinion segment labels.csd")
FOLD_FILE = "cmu_mosi_std_folds.py"
SOUND = "Raw/Audio/WAV_16000/Segmented"
TRANSCRIPTS = "Raw/Transcript/Segmented"

LAYOUT = (
    f"{SOUND}/<video>_<clip>.wav (or Raw/<video>/<clip>.mp4) and {LABEL_TABLE} or CMU_MOSI_Opinion_Labels.csd"
)
_CLIP = re.compile(
    r"(?:Segmented/)?(?P<video>[\w-]{11}|(?<=Segmented/)[\w-]+)[_/]0*(?P<clip>\d+)(?P<suffix>\.\w+)"
)
_SUFFIXES = frozenset({*CONVERTED, ".mp4"})


class Labelled(NamedTuple):
    """A segment and its sentiment."""

    video: str
    clip: int
    score: float
    text: str


def read(root: Path) -> Iterator[Utterance]:
    """Every labelled segment, whether its file is there or not.

    Raises:
        CorpusError: not the root of CMU-MOSI, or files that cannot be read.
    """
    path = root / require_annotation(root, FACTS, LAYOUT, LABEL_FILES, _has_clips)
    found = clips(root, _CLIP, (".mp4",), FACTS.title)
    folds = standard_folds(root, FOLD_FILE)
    if path.suffix.lower() == ".csv":
        return (_utterance(one, found, folds) for one in _from_table(path))
    rows = list(_from_sequence(root, path))
    _refuse_strangers(path, rows, found)
    return (_utterance(one, found, folds) for one in rows)


def _has_clips(root: Path, _: str) -> bool:
    return holds(root, _CLIP, _SUFFIXES)


def _utterance(one: Labelled, found: Clips, folds: Mapping[str, str]) -> Utterance:
    return Utterance(
        id=f"{one.video}_{one.clip}",
        path=found.get((one.video, str(one.clip)), f"{SOUND}/{one.video}_{one.clip}.wav"),
        label_raw=raw_score(one.score),
        label=sign(one.score),
        speaker=one.video,
        text=one.text,
        language="en",
        split=folds.get(one.video, ""),
        values={"sentiment": rounded(one.score)},
    )


def _from_table(path: Path) -> Iterator[Labelled]:
    for row in read_label_table(path):
        yield Labelled(row["video_id"], row.number("clip_id"), row.real("label"), row["text"])


def _from_sequence(root: Path, path: Path) -> Iterator[Labelled]:
    """Segments numbered by their start from 1."""
    for video, opinions in read_opinions(path).items():
        texts = _texts(root / TRANSCRIPTS / f"{video}.annotprocessed")
        for clip, opinion in enumerate(opinions, start=1):
            yield Labelled(video, clip, opinion.score, texts.get(clip, ""))


def _texts(path: Path) -> dict[int, str]:
    """Clip -> text, from lines such as `3_DELIM_WHAT IS SAID`; other lines are passed over."""
    lines = read_text(path).splitlines() if path.is_file() else []
    parts = (line.partition("_DELIM_") for line in lines)
    return {int(clip): text.strip() for clip, found, text in parts if found and clip.strip().isdigit()}


def _refuse_strangers(path: Path, rows: Sequence[Labelled], found: Clips) -> None:
    """Stop where clips are numbered otherwise than by rank: a clip has a number that its video's labels lack."""
    known = {(one.video, str(one.clip)) for one in rows}
    videos = {one.video for one in rows}
    strangers = [file for key, file in found.items() if key[0] in videos and key not in known]
    if strangers:
        raise CorpusError(
            "clips and labels of CMU-MOSI are not numbered alike",
            got=f"{len(strangers)} clips without a label, the first {strangers[0]}; labels from {path}",
            wanted="a label for every clip of a labelled video",
            next_step=f"use the labels that came with these clips; {LABEL_TABLE} wins over a .csd file",
        )
