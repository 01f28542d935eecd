"""RESD: 1,396 lines of 50 acted Russian dialogues, seven emotions.

Reads the layout of files, `train.csv` and `test.csv` with the columns `path` and `emotion`, and the folders
`train/<dialogue>/` and `test/<dialogue>/`. The column `path` may begin with the part's folder, with the dialogue's
or with the file's name. A name is `<number>_<emotion>_<emotion>_<letter>_<line>.wav`: two emotions of the two
people in the dialogue, and the letter of the one who speaks. Dialogues 01 to 11 have a blank before the letter and
their number first in the folder's name; the folder of dialogue 11 names its emotions the other way round.

No speakers are distributed. The number of a line counts each side on its own, so there is no order of turns. All
dialogues occur in both parts: the official split is not independent of dialogue. The owners' own form on the
Hugging Face hub (parquet with the bytes of the sound) has to be unpacked into this layout first.

Reference: https://huggingface.co/datasets/Aniemore/resd (Aniemore, 2022)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._layout import require_layout
from harness.corpora._names import named_files
from harness.corpora._tables import Row, read_table
from harness.errors import CorpusError

FACTS = CorpusFacts(
    name="resd",
    title="RESD",
    languages=("ru",),
    licence="MIT",
    access="open: https://huggingface.co/datasets/Aniemore/resd (parquet, to be unpacked into files)",
    citation="Aniemore, Russian Emotional Speech Dialogs, 2022",
    labels={
        "anger": "anger",
        "disgust": "disgust",
        "enthusiasm": "enthusiasm",
        "fear": "fear",
        "happiness": "happiness",
        "neutral": "neutral",
        "sadness": "sadness",
    },
    utterances=1_396,
    speakers=0,
    sample_rate_hz=16_000,
    other_rates_hz=(44_100,),  # 716 clips at 16 kHz, 680 at 44.1 kHz
    note="No DOI. 1,116 train and 280 test clips. The 200 speakers of emotion2vec's table cannot be checked.",
)

PARTS = ("train", "test")
SWAPPED = {"11_anger_disgust": "11_disgust_anger"}
"""What the files say -> what their folder says."""

LAYOUT = (
    "train.csv and test.csv with the columns path and emotion, and the clips, such as"
    " train/happiness_enthusiasm_32/32_happiness_enthusiasm_h_120.wav"
)
_CLIP = re.compile(r"(?P<part>train|test)/(?:[^/]+/)?(?P<name>\d\d_[a-z]+_[a-z]+[ _][a-z]_\d+)\.wav")
_NAME = re.compile(r"(\d\d)_([a-z]+)_([a-z]+)([ _])[a-z]_\d+")
_UNPACK = (
    "for each split and row write the bytes (row['speech']['bytes']) to SPLIT/row['path'] and the line"
    " row['path'],row['emotion'] to SPLIT.csv, under the head path,emotion; set corpus.root to that folder."
    " pyarrow.parquet.read_table(FILE).to_pylist() gives the rows"
)


def read(root: Path) -> Iterator[Utterance]:
    """Every row of the two tables, whether its clip is there or not.

    Raises:
        CorpusError: not the root of RESD, still packed in parquet, or a table that cannot be read.
    """
    _refuse_parquet(root)
    require_layout(root, FACTS, _recognises, LAYOUT)
    clips = {(n.fields["part"], n.fields["name"]): n.path for n in named_files(root, _CLIP)}
    return (
        _utterance(part, row, clips)
        for part in PARTS
        if (root / f"{part}.csv").is_file()
        for row in read_table(root / f"{part}.csv", ("path", "emotion"))
    )


def _recognises(root: Path) -> bool:
    """Whether a table lies here, and clips beside it."""
    return any((root / f"{part}.csv").is_file() and (root / part).is_dir() for part in PARTS)


def _refuse_parquet(root: Path) -> None:
    """Stop at the form that the hub serves: the sound in it is no file that could be opened."""
    packed = sorted(path for folder in (root, root / "data") for path in folder.glob("*.parquet"))
    if packed and not _recognises(root):
        raise CorpusError(
            "this copy of RESD holds its sound inside of parquet files",
            got=f"{packed[0]} and {len(packed) - 1} more",
            wanted=LAYOUT,
            next_step=f"unpack it once: {_UNPACK}",
        )


def _utterance(part: str, row: Row, clips: Mapping[tuple[str, str], str]) -> Utterance:
    path = row["path"].replace("\\", "/")
    name = path.rpartition("/")[2].removesuffix(".wav")
    absent = path if path.startswith(f"{part}/") else f"{part}/{path}"
    return Utterance(
        id=name,
        path=clips.get((part, name), absent),
        label_raw=row["emotion"],
        speaker="",
        dialogue=_dialogue(row, name),
        text=row.get("text"),
        language="ru",
        split=part,
    )


def _dialogue(row: Row, name: str) -> str:
    """The folder of a dialogue, said by the names of its files."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise row.refused("path", "a name such as 32_happiness_enthusiasm_h_120.wav")
    number, first, second, mark = match.groups()
    own = f"{number}_{first}_{second}"
    return SWAPPED.get(own, own) if mark == " " else f"{first}_{second}_{number}"
