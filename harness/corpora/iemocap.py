"""IEMOCAP: ten actors in five dyadic sessions, 10,039 labelled turns of 151 scripted and improvised dialogues.

Reads the owners' own layout (`IEMOCAP_full_release`): labels, times, ratings and votes from
`Session*/dialog/EmoEvaluation/*.txt` (its sub-folders hold single raters and are not read), text from
`Session*/dialog/transcriptions`, sound from `Session*/sentences/wav/<dialogue>/<turn>.wav`.

A turn id such as `Ses01F_impro01_M003` names two people: the first letter is the actor who wears the markers,
the last one is who speaks. Annotation files list one actor's turns after the other's; `turn` is the rank by
start time, equal times in the order of the file.

The head line of a turn ends in the raters' means of valence, activation (arousal here) and dominance, in this
order, from 1 to 5; below it every rater names one label or several. E raters are the outsiders whose majority is
the label; F and M raters are the actors on themselves, whom the owners do not count, and neither are they counted
here. A label is voted for once by every rater who names it.

Reference: C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N. Chang, S. Lee,
S. S. Narayanan, "IEMOCAP: Interactive emotional dyadic motion capture database", Language Resources and
Evaluation 42 (2008), 335-359.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._layout import require_layout
from harness.errors import CorpusError

log = logging.getLogger(__name__)

FACTS = CorpusFacts(
    name="iemocap",
    title="IEMOCAP",
    languages=("en",),
    licence="release form of USC/SAIL: research only, no redistribution of audio, video or annotations",
    access="signed form, https://sail.usc.edu/iemocap/iemocap_release.htm",
    citation="Busso et al., IEMOCAP, Language Resources and Evaluation 42 (2008), 335-359",
    doi="10.1007/s10579-008-9076-6",
    labels={
        "ang": "anger",
        "hap": "happiness",
        "exc": "excitement",
        "sad": "sadness",
        "neu": "neutral",
        "fru": "frustration",
        "sur": "surprise",
        "fea": "fear",
        "dis": "disgust",
        "oth": "other",
        "xxx": "undecided",  # no majority among the raters
    },
    utterances=10_039,
    speakers=10,
    sample_rate_hz=16_000,
    # The files were cut at the annotated times, given to 0.1 ms. Nobody has published lengths of the files to
    # hold this against, so the tolerance is ten times what cutting at whole 10 ms frames would need, and a
    # sixth of the shortest turn (0.585 s): a truncated or swapped file still falls outside it.
    duration_tolerance_s=0.1,
)

LAYOUT = (
    "IEMOCAP_full_release itself: Session1/dialog/EmoEvaluation/Ses01F_impro01.txt,"
    " Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav, ... Session5"
)

GENDERS = {"F": "female", "M": "male"}

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_HEAD = re.compile(rf"\[{_NUMBER}\s*-\s*{_NUMBER}\]\s+(Ses\d\d[FM]_\w+_[FM]\d+\w?)\s+(\w+)\s+\[([^\]]*)\]\s*")
_MEANS = re.compile(rf"\s*{_NUMBER}\s*,\s*{_NUMBER}\s*,\s*{_NUMBER}\s*")
_VOTE = re.compile(r"C-E\d+:\s*([^(]*?)\s*(?:\(.*)?")
_SPOKEN = re.compile(rf"(Ses\w+)\s+\[{_NUMBER}\s*-\s*{_NUMBER}\]:?\s*(.*)")


SCALES = ("valence", "arousal", "dominance")
"""Order of the means at the end of a head line, which the file's first line calls `[V, A, D]`."""
VOTED = {
    "anger": "ang",
    "happiness": "hap",
    "excited": "exc",
    "sadness": "sad",
    "neutral": "neu",
    "neutral state": "neu",
    "frustration": "fru",
    "surprise": "sur",
    "fear": "fea",
    "disgust": "dis",
    "other": "oth",
}
"""What a rater writes, in lower case -> the code of the head lines."""


class Turn(NamedTuple):
    """What an EmoEvaluation file says of a turn."""

    id: str
    label_raw: str
    start_s: float
    """In the recording of the whole dialogue, not in the turn's own file."""
    end_s: float
    values: Mapping[str, float]
    votes: Mapping[str, float]


class Spoken(NamedTuple):
    """A line of a transcription."""

    start_s: float
    text: str


def read(root: Path) -> Iterator[Utterance]:
    """Every labelled turn of every dialogue, dialogue by dialogue in order of time.

    Raises:
        CorpusError: not the root of IEMOCAP, or an annotation file that cannot be read.
    """
    require_layout(root, FACTS, _recognises, LAYOUT)
    return (one for folder in _evaluation_folders(root) for one in _session(root, folder))


def _recognises(root: Path) -> bool:
    return any(True for folder in _evaluation_folders(root) for _ in _text_files(folder))


def _evaluation_folders(root: Path) -> list[Path]:
    return sorted(root.glob("Session*/dialog/EmoEvaluation"))


def _text_files(folder: Path) -> list[Path]:
    """Text files directly in the folder; `._*` files are left there by archives made on macOS."""
    return sorted(path for path in folder.glob("*.txt") if not path.name.startswith("."))


def _session(root: Path, evaluation: Path) -> Iterator[Utterance]:
    for path in _text_files(evaluation):
        turns = sorted(_turns(path), key=lambda turn: turn.start_s)
        spoken = _spoken(evaluation.parent / "transcriptions" / path.name)
        for position, turn in enumerate(turns):
            yield _utterance(root, path, turn, position, spoken)


def _utterance(
    root: Path, path: Path, turn: Turn, position: int, spoken: Mapping[str, Sequence[Spoken]]
) -> Utterance:
    dialogue, _, last = turn.id.rpartition("_")
    number, letter = turn.id[3:5], last[0]
    session_folder = path.relative_to(root).parts[0]
    return Utterance(
        id=turn.id,
        path=f"{session_folder}/sentences/wav/{dialogue}/{turn.id}.wav",
        label_raw=turn.label_raw,
        speaker=f"Ses{number}_{letter}",
        gender=GENDERS[letter],
        session=str(int(number)),
        dialogue=dialogue,
        turn=position,
        text=_nearest(spoken.get(turn.id, ()), turn.start_s),
        language="en",
        expected_duration_s=turn.end_s - turn.start_s,
        values=turn.values,
        ratings=turn.votes,
    )


def _turns(path: Path) -> Iterator[Turn]:
    """A turn per head line, with the votes of the lines below it.

    A head that cannot be read is passed over with a warning: the count of turns then stops the loader, and
    the turn's file is reported as one that belongs to no utterance.
    """
    for number, block in _blocks(_lines(path)):
        head = _HEAD.fullmatch(block[0])
        if head is None:
            log.warning(
                "%s, line %d is not the head of a turn and is passed over: %r", path, number, block[0]
            )
        else:
            yield Turn(
                id=head[3],
                label_raw=head[4],
                start_s=float(head[1]),
                end_s=float(head[2]),
                values=_means(head[5]),
                votes=_votes(block[1:]),
            )


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The lines from one head to the next, with the number of the first, counted from 1."""
    heads = [position for position, line in enumerate(lines) if line.startswith("[")]
    for first, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        yield first + 1, list(lines[first:end])


def _means(text: str) -> dict[str, float]:
    """The three means of a head line; none where it does not give three numbers."""
    found = _MEANS.fullmatch(text)
    return {} if found is None else dict(zip(SCALES, map(float, found.groups()), strict=True))


def _votes(lines: Sequence[str]) -> dict[str, float]:
    """Code -> how many outside raters name it; what is no label of the owners keeps its own name."""
    votes: dict[str, float] = {}
    for line in lines:
        named = _VOTE.fullmatch(line.strip())
        labels = {label.strip().lower() for label in named[1].split(";")} - {""} if named else set()
        for code in sorted({VOTED.get(label, label) for label in labels}):
            votes[code] = votes.get(code, 0.0) + 1.0
    return votes


def _spoken(path: Path) -> dict[str, list[Spoken]]:
    """Turn id -> what is transcribed for it; lines without an id are passed over, some ids come twice."""
    lines: dict[str, list[Spoken]] = defaultdict(list)
    if not path.is_file():
        return lines
    for line in _lines(path):
        match = _SPOKEN.fullmatch(line.strip())
        if match is not None:
            lines[match[1]].append(Spoken(start_s=float(match[2]), text=match[4].strip()))
    return lines


def _nearest(spoken: Sequence[Spoken], start_s: float) -> str:
    """Of the lines with a turn's id the one that begins with the turn."""
    return min(spoken, key=lambda line: abs(line.start_s - start_s)).text if spoken else ""


def _lines(path: Path) -> list[str]:
    """Lines of a file that is ASCII but for a few stray bytes in comments."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as fault:
        raise CorpusError(
            "an annotation file of IEMOCAP cannot be read",
            got=f"{path}: {fault}",
            wanted="a text file",
            next_step="restore this file from the owners' archive, or mend its permissions",
        ) from fault
