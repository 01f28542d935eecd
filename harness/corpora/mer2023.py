"""MER2023: 5,030 clips of Chinese films and series from a challenge, six emotions, one train part and three tests.

Rows come from one table per part, `{train,test1,test2,test3}-label.csv`, up to three folders below the root. The
clips lie in a folder named after the part (`mer2023train/train/`, `mer2023train/test3/`, `test1/`, `test2/`), as
.avi or .mp4; `samplenew_*` of the third test part are .mp4. The second test part is corrupted with noise on
purpose. No speakers are known. Clips without a label (the third test part has many) are reported as unexpected.

Reference: Z. Lian et al., "MER 2023: Multi-label Learning, Modality Robustness, and Semi-Supervised Learning", ACM
Multimedia 2023, 9610-9614; http://www.merchallenge.cn/datasets
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._annotation import find_files, require_annotation
from harness.corpora._clips import Clips, clips
from harness.corpora._tables import Row, read_table

log = logging.getLogger(__name__)

FACTS = CorpusFacts(
    name="mer2023",
    title="MER2023",
    languages=("zh",),
    licence="licence agreement of the challenge; no redistribution",
    access="signed agreement, http://www.merchallenge.cn/datasets",
    citation="Lian et al., MER 2023, ACM Multimedia 2023, 9610-9614",
    doi="10.1145/3581783.3612836",
    labels={
        "neutral": "neutral",
        "angry": "anger",
        "happy": "happiness",
        "sad": "sadness",
        "worried": "worry",
        "surprise": "surprise",
    },
    utterances=5_030,
    speakers=0,
    sample_rate_hz=44_100,
    other_rates_hz=(48_000, 16_000),  # 796 and 412 of 5,030 clips
    channels=(1, 2),
    note="3,373 / 411 / 412 / 834 clips in train / test1 / test2 / test3; EmoBox tests on test1 only.",
)

FOLDERS = {
    "train": "mer2023train/train",
    "test1": "test1",
    "test2": "test2",
    "test3": "mer2023train/test3",
}
"""Part -> where the owners' archives put its clips."""
TABLES = {f"{part}-label.csv": part for part in FOLDERS}

LAYOUT = (
    "train-label.csv, test1-label.csv, test2-label.csv, test3-label.csv and train/sample_00002721.avi, ..."
)
_COLUMNS = ("name", "discrete")
_CLIP = re.compile(rf"(?P<part>{'|'.join(FOLDERS)})/(?P<name>sample(?:new)?_\d+)(?P<suffix>\.\w+)")


def read(root: Path) -> Iterator[Utterance]:
    """Every labelled clip, whether its file is there or not.

    Raises:
        CorpusError: not the root of MER2023, or a table that cannot be read.
    """
    require_annotation(root, FACTS, LAYOUT, TABLES)
    found = clips(root, _CLIP, (".avi", ".mp4"), FACTS.title)
    tables = _tables(root)
    for part in FOLDERS.keys() - tables.keys():
        log.warning("MER2023: there is no %s-label.csv, so no row of %s", part, part)
    return (
        _utterance(part, row, found)
        for part, path in sorted(tables.items())
        for row in read_table(path, _COLUMNS)
    )


def _tables(root: Path) -> dict[str, Path]:
    """Part -> its table, the least deep one."""
    paths = find_files(root, TABLES)
    return {TABLES[path.rpartition("/")[2].lower()]: root / path for path in reversed(paths)}


def _utterance(part: str, row: Row, found: Clips) -> Utterance:
    name = row["name"]
    absent = f"{FOLDERS[part]}/{name}{'.mp4' if name.startswith('samplenew') else '.avi'}"
    return Utterance(
        id=name,
        path=found.get((part, name), absent),
        label_raw=row["discrete"],
        speaker="",
        language="zh",
        split=part,
    )
