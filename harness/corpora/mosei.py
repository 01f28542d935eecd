"""CMU-MOSEI: 22,856 labelled segments of 3,225 monologues on YouTube, sentiment in [-3, 3].

The sound is one file per video, `Raw/Audio/Full/WAV_16000/<video>.wav`; where a segment begins and ends stands in
`Raw/Transcript/Segmented/Combined/<video>.txt`, as `video___clip___start___end___text`. Labels come from
`CMU_MOSEI_Labels.csd` and belong to the transcript line with the same start and end; or, where there is no such
file, from MMSA's `label.csv`, and then to the line with the same text: the clip number in that table is a running
index and not the owners'. A segment that begins before the file (some do) begins with it. What cannot be matched
is left out, and the log says how much.

No speakers are distributed, so the video stands for the speaker. Canonical labels are the sign of the sentiment;
the score itself is the value `sentiment`, and the six emotion intensities of the label file (0 to 3) are the
values `happiness` to `fear`; the table has none. Official parts: `standard_folds` in `_opinions`.

Reference: A. Zadeh, P. P. Liang, S. Poria, E. Cambria, L.-P. Morency, "Multimodal Language Analysis in the Wild:
CMU-MOSEI Dataset and Interpretable Dynamic Fusion Graph", ACL 2018, 2236-2246.
"""

from __future__ import annotations

import logging
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._annotation import require_annotation
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
from harness.corpora._tables import Row, read_text
from harness.errors import CorpusError

log = logging.getLogger(__name__)

FACTS = CorpusFacts(
    name="mosei",
    title="CMU-MOSEI",
    languages=("en",),
    licence="licence text of the CMU-MultimodalSDK; the videos remain with their authors: research use",
    access="the owners' server (immortal.multicomp.cs.cmu.edu) is reported offline; ask them:"
    " http://multicomp.cs.cmu.edu/resources/cmu-mosei-dataset/",
    citation="Zadeh et al., CMU-MOSEI, ACL 2018, 2236-2246",
    doi="10.18653/v1/P18-1208",
    labels=LABELS,
    utterances=22_856,
    speakers=3_225,
    sample_rate_hz=16_000,
    counts_vary="label files hold 22,856 (the standard folds), 23,259 or 23,453 (the paper, unverified) segments",
    # Times come from an alignment of the video, lengths of the sound files are not published: an end may overshoot
    # its file by less than a word, and is then the file's end.
    duration_tolerance_s=0.5,
    note="Early archives held 3,303 of 3,837 sound files or transcripts. The 44,977 utterances in emotion2vec's"
    " table are most likely all transcript lines, labelled or not.",
)

LABEL_FILES = ("cmu_mosei_labels.csd", "all labels.csd", LABEL_TABLE)
FOLD_FILE = "cmu_mosei_std_folds.py"
SOUND = ("Raw/Audio/Full/WAV_16000", "Audio/Full/WAV_16000")
TRANSCRIPTS = ("Raw/Transcript/Segmented/Combined", "Transcript/Segmented/Combined")
EMOTIONS = ("happiness", "sadness", "anger", "surprise", "disgust", "fear")
"""What follows the sentiment in the owners' sequence, each from 0 to 3, several at once."""
SAME_TIME_S = 5e-4
"""Transcripts give times in decimals, the label file in 32 or 64 bits; segments are never this short."""

LAYOUT = (
    "Raw/Audio/Full/WAV_16000/<video>.wav, Raw/Transcript/Segmented/Combined/<video>.txt, and"
    f" CMU_MOSEI_Labels.csd or {LABEL_TABLE}"
)


class Segment(NamedTuple):
    """A line of a transcript."""

    clip: int
    start_s: float
    end_s: float
    text: str


class Labelled(NamedTuple):
    """A segment, its sentiment and, from the owners' sequence, how strong each of `EMOTIONS` is."""

    video: str
    segment: Segment
    score: float
    intensities: tuple[float, ...] = ()


def read(root: Path) -> Iterator[Utterance]:
    """Every labelled segment that a transcript tells the place of, video by video in order of the clip number.

    Raises:
        CorpusError: not the root of CMU-MOSEI, files that cannot be read, or labels that fit no transcript.
    """
    path = root / require_annotation(root, FACTS, LAYOUT, LABEL_FILES, _has_transcripts)
    found = list(_from_table(root, path) if path.suffix.lower() == ".csv" else _from_sequence(root, path))
    if not found:
        raise CorpusError(
            "no label of CMU-MOSEI fits a transcript",
            got=path,
            wanted="labels and transcripts of the same release",
            next_step=f"compare them with {_folder(root, TRANSCRIPTS)}",
        )
    folds, sound = standard_folds(root, FOLD_FILE), _folder(root, SOUND)
    return (
        _utterance(one, sound, folds) for one in sorted(found, key=lambda one: (one.video, one.segment.clip))
    )


def _has_transcripts(root: Path, _: str) -> bool:
    return any((root / name).is_dir() for name in TRANSCRIPTS)


def _folder(root: Path, names: Sequence[str]) -> str:
    return next((name for name in names if (root / name).is_dir()), names[0])


def _utterance(one: Labelled, sound: str, folds: Mapping[str, str]) -> Utterance:
    return Utterance(
        id=f"{one.video}_{one.segment.clip}",
        path=f"{sound}/{one.video}.wav",
        label_raw=raw_score(one.score),
        label=sign(one.score),
        speaker=one.video,
        start_s=max(0.0, one.segment.start_s),
        end_s=one.segment.end_s,
        text=one.segment.text,
        language="en",
        split=folds.get(one.video, ""),
        values=_values(one),
    )


def _values(one: Labelled) -> dict[str, float]:
    """The sentiment, and the intensities as far as they are numbers."""
    pairs = zip(EMOTIONS, one.intensities, strict=False)
    return {"sentiment": rounded(one.score)} | {
        name: rounded(value) for name, value in pairs if math.isfinite(value)
    }


def _from_sequence(root: Path, path: Path) -> Iterator[Labelled]:
    """Labels matched by time."""
    unmatched = 0
    for video, opinions in read_opinions(path).items():
        segments = _segments(root, video)
        for opinion in opinions:
            segment = next((s for s in segments if _same(s, opinion.start_s, opinion.end_s)), None)
            if segment is None:
                unmatched += 1
            else:
                yield Labelled(video, segment, opinion.score, opinion.intensities)
    if unmatched:
        log.warning("CMU-MOSEI: %d labels of %s fit the times of no transcript line", unmatched, path)


def _same(segment: Segment, start_s: float, end_s: float) -> bool:
    return max(abs(segment.start_s - start_s), abs(segment.end_s - end_s)) < SAME_TIME_S


def _from_table(root: Path, path: Path) -> Iterator[Labelled]:
    """Labels matched by text."""
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for row in read_label_table(path):
        rows_of[row["video_id"]].append(row)
    matched = 0
    for video, rows in rows_of.items():
        for row, segment in _same_texts(rows, _segments(root, video)):
            matched += 1
            yield Labelled(video, segment, row.real("label"))
    total = sum(map(len, rows_of.values()))
    log.warning(
        "CMU-MOSEI: labels come from %s and are matched by text; %d of %d fit no transcript line",
        path,
        total - matched,
        total,
    )


def _same_texts(rows: Sequence[Row], segments: Sequence[Segment]) -> Iterator[tuple[Row, Segment]]:
    """Pairs of one video; a text that is said more or less often than it is labelled is not matched."""
    labelled: dict[str, list[Row]] = defaultdict(list)
    said: dict[str, list[Segment]] = defaultdict(list)
    for row in sorted(rows, key=_running_index):
        labelled[_plain(row["text"])].append(row)
    for segment in segments:
        said[_plain(segment.text)].append(segment)
    for text, same in labelled.items():
        if text and len(same) == len(said[text]):
            yield from zip(same, said[text], strict=True)


def _running_index(row: Row) -> int:
    return row.number("clip_id")


def _plain(text: str) -> str:
    """Letters and digits only: copies differ in case, blanks and punctuation."""
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()


def _segments(root: Path, video: str) -> list[Segment]:
    """The lines of a video's transcript, none where there is no such file."""
    path = root / _folder(root, TRANSCRIPTS) / f"{video}.txt"
    if not path.is_file():
        return []
    segments: list[Segment] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.startswith(f"{video}___"):
            segments.append(_segment(path, number, line.removeprefix(f"{video}___")))
        elif line.strip() and segments:  # a text that goes over several lines
            segments[-1] = segments[-1]._replace(text=f"{segments[-1].text} {line.strip()}")
    return sorted(segments, key=lambda segment: segment.start_s)


def _segment(path: Path, number: int, line: str) -> Segment:
    """`clip___start___end___text`; some lines have four underscores, the text may have any number."""
    try:
        clip, start, end, text = line.split("___", 3)
        return Segment(
            int(clip.strip("_ ")), float(start.strip("_ ")), float(end.strip("_ ")), text.strip("_ ")
        )
    except ValueError as fault:
        raise CorpusError(
            "a line of a transcript of CMU-MOSEI cannot be read",
            got=f"{path}, line {number}: {line[:80]!r}",
            wanted="video___clip___start___end___text, times in seconds",
            next_step="restore this file from the owners' archive",
        ) from fault
