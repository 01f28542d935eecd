"""EMNS, the Emotive Narrative Storytelling corpus: one English speaker, eight emotions, ten levels.

Rows come from `metadata.csv`, whose cells are separated by `|`. The sound is `cleaned_webm/<name>.webm` (Opus); a
converted `cleaned_webm/<name>.wav` or `wavs/<name>.wav` is taken before it.

Of 1,205 rows, 24 have no cleaned file in the owners' archive. Where up to 24 lack one they are taken for those:
they keep their row with the raw recording as path, a defect, and no canonical label, so that no task mixes another
quality of sound in; where more lack one, the copy is incomplete and they are reported as missing.

Reference: K. A. Noriy, X. Yang, J. J. Zhang, "EMNS/Imz/Corpus: An emotive single-speaker dataset for narrative
storytelling in games, television and graphic novels", arXiv:2305.13137, 2023; https://www.openslr.org/136/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._annotation import require_annotation
from harness.corpora._clips import Clips, clips
from harness.corpora._tables import Row, heads, read_table

FACTS = CorpusFacts(
    name="emns",
    title="EMNS",
    languages=("en",),
    licence="Apache-2.0",
    access="open: https://www.openslr.org/136/ (cleaned_webm.tar.xz and metadata.csv)",
    citation="Noriy et al., EMNS/Imz/Corpus, arXiv:2305.13137, 2023",
    labels={
        "Happy": "happiness",
        "Sad": "sadness",
        "Angry": "anger",
        "Excited": "excitement",
        "Sarcastic": "sarcasm",
        "Neutral": "neutral",
        "Disgust": "disgust",
        "Surprise": "surprise",
        "Surprised": "surprise",
    },
    utterances=1_205,
    speakers=1,
    sample_rate_hz=48_000,
    other_rates_hz=(16_000, 44_100),  # of converted copies
    downloads=(
        Download(url="https://www.openslr.org/resources/136/metadata.csv", unpack=False),
        Download(url="https://www.openslr.org/resources/136/cleaned_webm.tar.xz"),
    ),
    note="No DOI; arXiv:2305.13137. 1,181 rows have a cleaned file. The order of the columns is unverified and not"
    " relied on.",
)

TABLE = "metadata.csv"
CLEANED = ("cleaned_webm", "wavs")
RAW = "raw_webm"
WITHOUT_CLEANED = 24
GENDERS = {"female": "female", "male": "male"}

LAYOUT = "metadata.csv with | between its cells, and cleaned_webm/recorded_audio_02jmPGL.webm, ..."
_COLUMNS = ("user_id", "utterance", "emotion", "audio_recording")
_CLIP = re.compile(rf"(?P<folder>{'|'.join((*CLEANED, RAW))})/(?P<name>[^/]+?)(?P<suffix>\.\w+)")


def read(root: Path) -> Iterator[Utterance]:
    """Every row of the table, whether its file is there or not.

    Raises:
        CorpusError: not the root of EMNS, or a table that cannot be read.
    """
    path = require_annotation(root, FACTS, LAYOUT, [TABLE], _is_ours)
    rows = read_table(root / path, _COLUMNS, separator="|")
    found = clips(root, _CLIP, (".webm",), FACTS.title)
    lacking = {_name(row) for row in rows if _cleaned(_name(row), found) is None}
    uncleaned = lacking if len(lacking) <= WITHOUT_CLEANED else set()
    return (_uncleaned(row, found) if _name(row) in uncleaned else _utterance(row, found) for row in rows)


def _is_ours(root: Path, table: str) -> bool:
    return heads(root / table, "audio_recording")


def _name(row: Row) -> str:
    return PurePosixPath(row["audio_recording"]).stem


def _cleaned(name: str, found: Clips) -> str | None:
    return next((found[folder, name] for folder in CLEANED if (folder, name) in found), None)


def _utterance(
    row: Row, found: Clips, path: str = "", label: str | None = None, defect: str = ""
) -> Utterance:
    name = _name(row)
    return Utterance(
        id=name,
        path=path or _cleaned(name, found) or f"{CLEANED[0]}/{name}.webm",
        label_raw=row["emotion"],
        label=label,
        speaker=row["user_id"],
        gender=GENDERS.get(row.get("gender").lower(), ""),
        text=row["utterance"],
        language="en",
        defect=defect,
    )


def _uncleaned(row: Row, found: Clips) -> Utterance:
    path = found.get((RAW, _name(row)), f"{RAW}/{_name(row)}.webm")
    return _utterance(row, found, path, label="", defect="there is no cleaned file of this recording")
