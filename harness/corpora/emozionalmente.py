"""Emozionalmente: 6,902 clips of 431 Italian volunteers, 18 sentences, seven emotions.

Rows come from `metadata/samples.csv`, genders from `metadata/users.csv`, sound from `audio/`. Version 1.1 brings
an official split by speakers: what says so is a column `split` of `samples.csv`, or one table per part whose name
holds the part's name (`train`, `dev`, `test`) and whose column `file_name` lists the clips. How the owners name
these tables is unverified; where nothing is found the split stays empty and the log says so.

Reference: F. Catania, J. W. Wilke, F. Garzotto, "Emozionalmente: A Crowdsourced Corpus of Simulated Emotional
Speech in Italian", IEEE Transactions on Audio, Speech and Language Processing 33 (2025), 1142-1155.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._annotation import require_annotation
from harness.corpora._parts import part_named
from harness.corpora._tables import Row, heads, read_table
from harness.errors import CorpusError

log = logging.getLogger(__name__)

FACTS = CorpusFacts(
    name="emozionalmente",
    title="Emozionalmente",
    languages=("it",),
    licence="CC BY 4.0",
    access="open: https://zenodo.org/records/6569824 (version 1.1, emozionalmente.zip, 559 MB)",
    citation="Catania et al., Emozionalmente, IEEE TASLP 33 (2025), 1142-1155",
    doi="10.5281/zenodo.6569824",
    labels={
        "anger": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "joy": "happiness",
        "neutrality": "neutral",
        "sadness": "sadness",
        "surprise": "surprise",
    },
    utterances=6_902,
    speakers=431,
    sample_rate_hz=16_000,
    other_rates_hz=(44_100,),  # 150 clips of earlier copies
    downloads=(
        Download(
            url="https://zenodo.org/records/6569824/files/emozionalmente.zip",
            checksum="md5:398c6502dd2b0e1e810f927c12897547",
        ),
    ),
)

TABLE = "samples.csv"
SOUND = "audio"
GENDERS = {"f": "female", "female": "female", "m": "male", "male": "male"}

LAYOUT = "metadata/samples.csv, metadata/users.csv and audio/1613655062436.wav, ..."
_COLUMNS = ("file_name", "actor", "sentence", "emotion_expressed")


def read(root: Path) -> Iterator[Utterance]:
    """Every row of the table, whether its file is there or not.

    Raises:
        CorpusError: not the root of Emozionalmente, a table that cannot be read, or a clip in two parts.
    """
    path = root / require_annotation(root, FACTS, LAYOUT, [TABLE], _is_ours)
    folder = _sound_folders(root, path)[0].relative_to(root).as_posix()
    rows, genders = read_table(path, _COLUMNS), _genders(path.parent)
    parts = _column_parts(rows) or _table_parts(path)
    without = sum(row["file_name"] not in parts for row in rows)
    if without:
        log.warning("Emozionalmente: %d of %d clips are in no official part", without, len(rows))
    return (_utterance(row, folder, genders, parts) for row in rows)


def _is_ours(root: Path, table: str) -> bool:
    return heads(root / table, "emotion_expressed") and bool(_sound_folders(root, root / table))


def _sound_folders(root: Path, table: Path) -> list[Path]:
    """The folder of clips beside the folder of the table, or beside the table."""
    homes = (home for home in (table.parent.parent, table.parent) if home.is_relative_to(root))
    return [home / SOUND for home in homes if (home / SOUND).is_dir()]


def _genders(metadata: Path) -> dict[str, str]:
    """Actor -> gender, where the table of people is there and says so."""
    path = metadata / "users.csv"
    if not path.is_file():
        log.warning("Emozionalmente: %s is not here, so genders are not known", path)
        return {}
    people = read_table(path, ("username", "gender"))
    return {person["username"]: GENDERS.get(person["gender"].lower(), "") for person in people}


def _column_parts(rows: Sequence[Row]) -> dict[str, str]:
    """File name -> part, where the table of clips has a column that says so."""
    parts: dict[str, str] = {}
    for row in rows:
        if not row.get("split"):
            continue
        part = part_named(row["split"])
        if part is None:
            raise row.refused("split", "train, dev or test")
        parts[row["file_name"]] = part
    return parts


def _table_parts(samples: Path) -> dict[str, str]:
    """File name -> part, from the tables that are named after a part, beside the table of clips or below it."""
    parts: dict[str, str] = {}
    for path in sorted(samples.parent.rglob("*.csv")):
        part = _part_of(path)
        if part is None or path.name.startswith(".") or not heads(path, "file_name"):
            continue
        log.info("Emozionalmente: %s lists the part %s", path, part)
        for row in read_table(path, ("file_name",)):
            if parts.setdefault(row["file_name"], part) != part:
                raise CorpusError(
                    "a clip of Emozionalmente is in two parts",
                    got=f"{row['file_name']} is in {parts[row['file_name']]} and in {path}, line {row.line}",
                    wanted="each clip in one part",
                    next_step="keep only the tables of one version of the corpus",
                )
    return parts


def _part_of(path: Path) -> str | None:
    """The part that a file's name names: `samples_train.csv` is `train`."""
    words = map(part_named, re.findall(r"[a-z]+", path.stem.lower()))
    return next((part for part in words if part), None)


def _utterance(row: Row, folder: str, genders: Mapping[str, str], parts: Mapping[str, str]) -> Utterance:
    return Utterance(
        id=row["file_name"].removesuffix(".wav"),
        path=f"{folder}/{row['file_name']}",
        label_raw=row["emotion_expressed"],
        speaker=row["actor"],
        gender=genders.get(row["actor"], ""),
        text=row["sentence"],
        sentence=row["sentence"],
        language="it",
        split=parts.get(row["file_name"], ""),
    )
