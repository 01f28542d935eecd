"""MELD: 13,708 utterances of the TV series Friends in 1,432 dialogues, seven emotions.

Rows come from `{train,dev,test}_sent_emo.csv`, at the root or up to three folders below it; the copy on GitHub is
UTF-8, the one in the archive CP1252. Clips lie in `train_splits/`, `dev_splits_complete/` and
`output_repeated_splits_test/` as `dia<dialogue>_utt<utterance>.mp4`. Numbers start anew in every part, so the part
begins the id. Where the test folder holds a corrected cut, `final_videos_testdia<D>_utt<U>.mp4`, that one is the
row's file. Clips that were converted to .wav or .flac in the same folder are preferred to .mp4; the log says so.

The sentiment of a row (`positive`, `negative`, `neutral`) is its further label `sentiment`; copies that lack that
column are read without it. The times in the tables lie in the episode and not in the clip; cuts differ from them,
so nothing is held to them.

Reference: S. Poria, D. Hazarika, N. Majumder, G. Naik, E. Cambria, R. Mihalcea, "MELD: A Multimodal Multi-Party
Dataset for Emotion Recognition in Conversations", ACL 2019, 527-536; https://github.com/declare-lab/MELD
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._annotation import find_files, require_annotation
from harness.corpora._clips import Clips, clips
from harness.corpora._tables import Row, read_table

log = logging.getLogger(__name__)

FACTS = CorpusFacts(
    name="meld",
    title="MELD",
    languages=("en",),
    licence="annotations GPL-3.0; the clips are cut from a TV series: research use, no redistribution of audio",
    access="open: http://web.eecs.umich.edu/~mihalcea/downloads/MELD.Raw.tar.gz (10.9 GB); it holds train.tar.gz,"
    " dev.tar.gz and test.tar.gz, to be unpacked too",
    citation="Poria et al., MELD, ACL 2019, 527-536",
    doi="10.18653/v1/P19-1050",
    labels={
        "neutral": "neutral",
        "joy": "happiness",
        "surprise": "surprise",
        "anger": "anger",
        "sadness": "sadness",
        "disgust": "disgust",
        "fear": "fear",
    },
    utterances=13_708,
    speakers=304,
    sample_rate_hz=48_000,
    other_rates_hz=(16_000, 44_100),  # of converted copies
    channels=(1, 2, 6),  # 1,597 stereo and 12,109 in 5.1, mixed within each part; 1 in converted copies
    downloads=(
        Download(
            url="http://web.eecs.umich.edu/~mihalcea/downloads/MELD.Raw.tar.gz", size_bytes=10_878_146_150
        ),
    ),
    note="13,706 of 13,708 rows have a clip that can be decoded. 304 names; 407 in emotion2vec's table is"
    " their sum over the parts. Its 13,847 utterances are all clips: 13,706, 132 corrected cuts, 9 without a"
    " row. Dialogues 241 and 757 are out of sync with their text (issue 9 of the owners' repository).",
)

TABLES = {"train": "train_sent_emo.csv", "dev": "dev_sent_emo.csv", "test": "test_sent_emo.csv"}
FOLDERS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}
CORRECTED = "final_videos_test"

LOST: Mapping[str, str] = {
    "train_dia125_utt3": "the clip cannot be decoded",
    "dev_dia110_utt7": "the clip is absent from the archive",
}
DEFECTS: Mapping[str, str] = {
    **LOST,
    "test_dia38_utt4": "cut wrongly: 305 s",
    "test_dia220_utt0": "cut wrongly: 235 s",
    "train_dia309_utt0": "cut wrongly: 41 s, and its text describes a scene",
} | dict.fromkeys(
    (
        "dev_dia99_utt3",
        "dev_dia108_utt5",
        "train_dia71_utt0",
        "train_dia179_utt8",
        "train_dia312_utt9",
        "train_dia332_utt1",
        "train_dia406_utt2",
        "train_dia523_utt10",
    ),
    "the clip lasts 64 ms; its times in the table are 84 ms apart",
)

LAYOUT = (
    "train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv and the folders train_splits,"
    " dev_splits_complete, output_repeated_splits_test with clips such as train_splits/dia0_utt0.mp4"
)
_COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")
_CLIP = re.compile(
    rf"(?P<folder>{'|'.join(FOLDERS.values())})/"
    rf"(?P<final>{CORRECTED})?dia(?P<dialogue>\d+)_utt(?P<turn>\d+)(?P<suffix>\.\w+)"
)


def read(root: Path) -> Iterator[Utterance]:
    """Every row of the three tables, whether its clip is there or not.

    Raises:
        CorpusError: not the root of MELD, or a table that cannot be read.
    """
    require_annotation(root, FACTS, LAYOUT, TABLES.values())
    found = clips(root, _CLIP, (".mp4",), FACTS.title)
    tables = {part: find_files(root, [name]) for part, name in TABLES.items()}
    for part, paths in tables.items():
        if not paths:
            log.warning("MELD: there is no %s, so no row of %s", TABLES[part], part)
        for path in paths[1:]:
            log.warning("MELD: %s is not read, %s is", path, paths[0])
    return (
        _utterance(part, row, found)
        for part, paths in tables.items()
        for path in paths[:1]
        for row in read_table(root / path, _COLUMNS)
    )


def _clip(part: str, dialogue: int, turn: int, found: Clips) -> tuple[str, bool]:
    """The file of a row, and whether it is the owners' second cut."""
    number = (str(dialogue), str(turn))
    corrected = found.get((FOLDERS[part], CORRECTED, *number))
    if corrected is not None:
        return corrected, True
    absent = f"{FOLDERS[part]}/dia{dialogue}_utt{turn}.mp4"
    return found.get((FOLDERS[part], "", *number), absent), False


def _utterance(part: str, row: Row, found: Clips) -> Utterance:
    dialogue, turn = row.number("Dialogue_ID"), row.number("Utterance_ID")
    name = f"{part}_dia{dialogue}_utt{turn}"
    path, corrected = _clip(part, dialogue, turn, found)
    return Utterance(
        id=name,
        path=path,
        label_raw=row["Emotion"],
        speaker=row["Speaker"],
        dialogue=f"{part}_dia{dialogue}",
        turn=turn,
        text=row["Utterance"],
        language="en",
        split=part,
        labels={"sentiment": sentiment} if (sentiment := row.get("Sentiment").lower()) else {},
        defect="" if corrected else DEFECTS.get(name, ""),
        lost=name in LOST and not corrected,
    )
