"""MSP-Podcast: utterances cut from podcasts, each with the vote of a crowd; every release holds more of them.

Rows come from `Labels/labels_concensus.csv`, as the owners spelled it up to release 1.8, or from
`labels_consensus.csv` after that, or from the file of the same name in JSON; sound from `Audios/` (`Audio/` in
some copies). Speaker and gender may be `Unknown`, which is read as empty. The validation part was renamed to
`Development` and a third test part joined later. The log names the parts, and the release where a folder's name
tells it.

The means of the workers' ratings of activation (arousal here), valence and dominance, from 1 to 7, stand in the
same table (`EmoAct`, `EmoVal`, `EmoDom`). Their single votes for a primary emotion lie beside it in
`labels_detailed`, in JSON or CSV; where that file is missing there are no votes. A worker who typed a word of
their own counts as `O`.

Reference: R. Lotfian, C. Busso, "Building Naturalistic Emotionally Balanced Speech Corpus by Retrieving Emotional
Speech From Existing Podcast Recordings", IEEE Transactions on Affective Computing 10 (2019), 471-483.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._annotation import require_annotation
from harness.corpora._msp_votes import read_votes
from harness.corpora._parts import part_named
from harness.corpora._tables import Row, read_table, read_text
from harness.errors import CorpusError

log = logging.getLogger(__name__)

FACTS = CorpusFacts(
    name="msppodcast",
    title="MSP-Podcast",
    languages=("en",),
    licence="academic licence of UT Dallas; no redistribution",
    access="signed licence, https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
    citation="Lotfian and Busso, Building Naturalistic Emotionally Balanced Speech Corpus, IEEE TAC 10 (2019)",
    doi="10.1109/TAFFC.2017.2736999",
    labels={
        "A": "anger",
        "H": "happiness",
        "S": "sadness",
        "N": "neutral",
        "U": "surprise",
        "F": "fear",
        "D": "disgust",
        "C": "contempt",
        "O": "other",
        "X": "undecided",  # no agreement
    },
    utterances=73_042,
    speakers=1_273,
    sample_rate_hz=16_000,
    other_rates_hz=(44_100,),  # MSP-PODCAST_1023_0235.wav of release 1.8
    channels=(1, 2),  # the same file
    counts_vary="the numbers are those of release 1.8; every release adds utterances and withdraws some",
    note="Release 1.8 should hold 44,879 / 7,800 / 15,326 / 5,037 in Train / Validation / Test1 / Test2; the first"
    " and the last number are unverified.",
)

TABLES = tuple(
    f"labels_{spelling}.{suffix}" for suffix in ("csv", "json") for spelling in ("concensus", "consensus")
)
FOLDERS = ("Audios", "Audio")
GENDERS = {"female": "female", "male": "male", "unknown": "", "": ""}

LAYOUT = (
    "Labels/labels_concensus.csv (or labels_consensus.csv, or .json), Audios/MSP-PODCAST_0001_0008.wav, ..."
)
SCALES = {"arousal": "EmoAct", "valence": "EmoVal", "dominance": "EmoDom"}
_COLUMNS = ("FileName", "EmoClass", "SpkrID", "Gender", "Split_Set")
_RELEASE = re.compile(r"(?<!\d)[12]\.\d{1,2}(?!\d)")


def read(root: Path) -> Iterator[Utterance]:
    """Every labelled utterance, whether its file is there or not.

    Raises:
        CorpusError: not the root of MSP-Podcast, or a table that cannot be read.
    """
    path = root / require_annotation(root, FACTS, LAYOUT, TABLES, _has_sound)
    rows = _json_rows(path) if path.suffix.lower() == ".json" else read_table(path, _COLUMNS)
    folder = _sound_folders(root, path)[0].relative_to(root).as_posix()
    _tell_release(path, rows)
    votes = read_votes(path.parent)
    return (_utterance(row, folder, votes.get(row["FileName"].removesuffix(".wav"), {})) for row in rows)


def _has_sound(root: Path, table: str) -> bool:
    return bool(_sound_folders(root, root / table))


def _sound_folders(root: Path, table: Path) -> list[Path]:
    """Where the clips lie: beside the table or beside its folder, under one of two names."""
    homes = [home for home in (table.parent.parent, table.parent) if home.is_relative_to(root)]
    return [home / name for name in FOLDERS for home in homes if (home / name).is_dir()]


def _json_rows(path: Path) -> list[Row]:
    """The same rows from the JSON file, whose keys are the file names."""
    try:
        items = json.loads(read_text(path)).items()
        return [_json_row(path, name, fields) for name, fields in items]
    except (ValueError, AttributeError, TypeError, KeyError) as fault:
        raise CorpusError(
            "an annotation file of MSP-Podcast cannot be read",
            got=f"{path}: {type(fault).__name__}: {fault}",
            wanted=f"JSON with {', '.join(_COLUMNS[1:])} for each file name",
            next_step=f"restore it from the owners' archive, or use {TABLES[0]}",
        ) from fault


def _json_row(path: Path, name: str, fields: Mapping[str, object]) -> Row:
    there = (*_COLUMNS[1:], *(column for column in SCALES.values() if column in fields))
    cells = {column.lower(): str(fields[column]) for column in there}
    return Row(path, 1, {"filename": name, **cells})


def _tell_release(path: Path, rows: Sequence[Row]) -> None:
    numbers = [match[0] for part in path.parts for match in _RELEASE.finditer(part)]
    release = numbers[-1] if numbers else "of unknown number (no folder above it names one)"
    parts = Counter(row["Split_Set"] for row in rows)
    counts = ", ".join(f"{count} {part}" for part, count in parts.items())
    log.info("MSP-Podcast, release %s: %s holds %s", release, path, counts)


def _utterance(row: Row, folder: str, votes: Mapping[str, float]) -> Utterance:
    name = row["FileName"].removesuffix(".wav")
    part, gender = part_named(row["Split_Set"]), GENDERS.get(row["Gender"].lower())
    if part is None:
        raise row.refused("Split_Set", "Train, Validation, Development, Test1, Test2 or Test3")
    if gender is None:
        raise row.refused("Gender", "Female, Male or Unknown")
    return Utterance(
        id=name,
        path=f"{folder}/{name}.wav",
        label_raw=row["EmoClass"],
        speaker="" if row["SpkrID"].lower() == "unknown" else row["SpkrID"],
        gender=gender,
        language="en",
        split=part,
        values={
            scale: row.real(column)
            for scale, column in SCALES.items()
            if row.get(column).lower() not in ("", "nan")
        },
        ratings=votes,
    )
