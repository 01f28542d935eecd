"""TurEV-DB: six Turkish speakers, 82 words, four emotions, 1,735 clips.

Reads the owners' own layout, `Sound Source/Angry/1157_kz_acik.wav`: speaker, emotion (kz kızgın, hl hüzünlü,
mt mutlu, sk sakin), word in ASCII letters. The folder says the emotion again, and both must agree. Calm is a
class of its own and not neutral. `7895_hl_ogul1.wav` is a second take of `ogul`.

Reference: S. F. Canpolat, Z. Ormanoğlu, D. Zeyrek, "Turkish Emotion Voice Database (TurEV-DB)", SLTU-CCURL
workshop at LREC 2020, 368-375.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._folders import agreed, refuse_part, said_by_folder
from harness.corpora._names import Named, named_files, require_names

EMOTIONS = {"kz": "Angry", "sk": "Calm", "mt": "Happy", "hl": "Sad"}

FACTS = CorpusFacts(
    name="turevdb",
    title="TurEV-DB",
    languages=("tr",),
    licence="contradictory: its README says CC BY-NC-ND 4.0, its LICENSE file GPL-3.0; treat as the stricter",
    access="open: git clone https://github.com/Xeonen/TurEV-DB (commit be9873e)",
    citation="Canpolat et al., Turkish Emotion Voice Database (TurEV-DB), SLTU-CCURL 2020, 368-375",
    labels={"Angry": "anger", "Calm": "calm", "Happy": "happiness", "Sad": "sadness"},
    utterances=1735,
    speakers=6,
    sample_rate_hz=44_100,
    downloads=(Download(url="https://github.com/Xeonen/TurEV-DB/archive/be9873e.zip"),),
    note="No DOI. Genders are not given. Calm is not neutral. The archive is made by GitHub: no size or checksum"
    " is published.",
)

LAYOUT = "Sound Source/Angry/1157_kz_acik.wav and the folders Calm, Happy and Sad beside Angry"
_NAME = re.compile(r"(?P<speaker>\d{4})_(?P<emotion>kz|sk|mt|hl)_(?P<word>\w+)\.wav", re.IGNORECASE)
_FOLDERS = {name.lower(): name for name in EMOTIONS.values()}
_PART = re.compile("|".join(_FOLDERS), re.IGNORECASE)
DEFECTS = {"7895_hl_ogul1": "a second take: its word is written ogul1"}


def read(root: Path) -> Iterator[Utterance]:
    """One row per sound file.

    Raises:
        CorpusError: nothing here is named like TurEV-DB, or the root is the folder of one emotion.
    """
    require_names(root, FACTS, LAYOUT, _NAME)
    refuse_part(root, FACTS, LAYOUT, _PART)
    return (_utterance(file) for file in named_files(root, _NAME))


def _utterance(file: Named) -> Utterance:
    word = file.fields["word"]
    return Utterance(
        id=file.stem,
        path=file.path,
        label_raw=agreed(EMOTIONS[file.fields["emotion"].lower()], said_by_folder(file.path, _FOLDERS)),
        speaker=file.fields["speaker"],
        text=word,
        sentence=word.rstrip("0123456789"),
        language="tr",
        defect=DEFECTS.get(file.stem, ""),
    )
