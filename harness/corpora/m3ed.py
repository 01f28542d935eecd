"""M3ED: 24,449 utterances in 990 dialogues of 56 Chinese television series, seven emotions.

Rows come from `annotation.json` (`json[series][dialogue]["Dialog"][utterance]`), parts from
`splitInfo/movie_list_{train,val,test}.txt` by series. The clips lie in one folder anywhere below the root, as
`<speaker letter>_<utterance>.wav`. A speaker is a name within a series. The label is `final_main_emo`;
`final_mul_emo` lists several and is not read. `turn` is the number at the end of the id; there are gaps.

Twelve annotated clips have no sound in any copy, and which they are is not published. Where up to twelve are
absent they are taken for those; where more are, the copy is incomplete and all of them are reported as missing.

Reference: J. Zhao, T. Zhang, J. Hu, Y. Liu, Q. Jin, X. Wang, H. Li, "M3ED: Multi-modal Multi-scene Multi-label
Emotional Dialogue Database", ACL 2022, 5699-5710; https://github.com/AIM3-RUC/RUCM3ED
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._annotation import find_files, require_annotation
from harness.corpora._names import named_files
from harness.corpora._parts import part_named
from harness.corpora._tables import read_text
from harness.errors import CorpusError

log = logging.getLogger(__name__)

FACTS = CorpusFacts(
    name="m3ed",
    title="M3ED",
    languages=("zh",),
    licence="none stated; copyright of the series: research use",
    access="annotation.json and splitInfo: https://github.com/AIM3-RUC/RUCM3ED; sound: the owners' link to Baidu"
    " Pan (https://pan.baidu.com/s/1JvaTabyKoQiWx2GtAIhpdw)",
    citation="Zhao et al., M3ED, ACL 2022, 5699-5710",
    doi="10.18653/v1/2022.acl-long.391",
    labels={
        "Neutral": "neutral",
        "Anger": "anger",
        "Sad": "sadness",
        "Happy": "happiness",
        "Disgust": "disgust",
        "Surprise": "surprise",
        "Fear": "fear",
    },
    utterances=24_449,
    speakers=635,
    sample_rate_hz=16_000,
    counts_vary="24,449 are annotated and 24,437 of them have sound; lists without the 12 are in use",
    note="635 names within series; emotion2vec's and EmoBox's tables say 626.",
)

WITHOUT_SOUND = 12
"""Annotated clips that no copy holds: 24,449 - 24,437 (EmoBox at commit 08280f2 lists the latter)."""

ANNOTATION = "annotation.json"
LISTS = {f"movie_list_{word}.txt": word for word in ("train", "val", "test")}
GENDERS = {"female": "female", "male": "male"}

LAYOUT = (
    "annotation.json, splitInfo/movie_list_{train,val,test}.txt and a folder of clips such as A_anjia_1_1.wav"
)
_CLIP = re.compile(r"(?P<name>[A-Z]_\w+_\d+_\d+)\.wav", re.IGNORECASE)
_NEXT = "fetch annotation.json again from https://github.com/AIM3-RUC/RUCM3ED"


def read(root: Path) -> Iterator[Utterance]:
    """Every annotated utterance, dialogue by dialogue, whether its clip is there or not.

    Raises:
        CorpusError: not the root of M3ED, or an annotation that cannot be read.
    """
    path = root / require_annotation(root, FACTS, LAYOUT, [ANNOTATION])
    clips = {named.fields["name"]: named.path for named in named_files(root, _CLIP)}
    rows = list(_rows(path, clips, _parts(root)))
    absent = {row.id for row in rows if not (root / row.path).is_file()}
    known = absent if len(absent) <= WITHOUT_SOUND else set()
    defect = f"one of the {WITHOUT_SOUND} annotated clips without sound"
    return (replace(row, defect=defect) if row.id in known else row for row in rows)


def _rows(path: Path, clips: Mapping[str, str], parts: Mapping[str, str]) -> Iterator[Utterance]:
    folder = next((clip.rpartition("/")[0] for clip in clips.values()), "")
    try:
        for series, dialogues in json.loads(read_text(path)).items():
            for dialogue, content in dialogues.items():
                for turn in _turns(series, dialogue, content):
                    clip = clips.get(turn.path, f"{folder}/{turn.path}.wav".lstrip("/"))
                    yield replace(turn, path=clip, split=parts.get(series, ""))
    except (ValueError, AttributeError, TypeError, KeyError) as fault:
        raise CorpusError(
            "the annotation of M3ED cannot be read",
            got=f"{path}: {type(fault).__name__}: {fault}",
            wanted='JSON, [series][dialogue] -> "SpeakerInfo" and "Dialog"',
            next_step=_NEXT,
        ) from fault


def _turns(series: str, dialogue: str, content: Mapping[str, Any]) -> Iterator[Utterance]:
    """The utterances of a dialogue in order of their numbers; `path` is the clip's name without ending."""
    turns = sorted(content["Dialog"].items(), key=_number)
    for turn, said in turns:
        who = content["SpeakerInfo"][said["Speaker"]]
        yield Utterance(
            id=turn,
            path=f"{said['Speaker']}_{turn}",
            label_raw=said["EmoAnnotation"]["final_main_emo"],
            speaker=f"{series}_{who['Name']}",
            gender=GENDERS.get(str(who.get("Gender", "")).lower(), ""),
            dialogue=dialogue,
            turn=int(turn.rpartition("_")[2]),
            text=said.get("Text", ""),
            language="zh",
        )


def _number(item: tuple[str, object]) -> int:
    return int(item[0].rpartition("_")[2])


def _parts(root: Path) -> dict[str, str]:
    """Series -> part; empty, with a warning, where the lists are not there."""
    paths = find_files(root, LISTS)
    parts = {series: part for path in reversed(paths) for series, part in _listed(root / path)}
    if len(paths) < len(LISTS):
        log.warning(
            "M3ED: %d of the 3 files splitInfo/movie_list_*.txt are here; %s", len(paths), FACTS.access
        )
    return parts


def _listed(path: Path) -> Sequence[tuple[str, str]]:
    part = part_named(LISTS[path.name.lower()]) or ""
    return [(series, part) for series in read_text(path).split()]
