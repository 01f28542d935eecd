"""ShEMO, Sharif Emotional Speech Database: 87 Persian speakers of radio plays, six emotions, 3,000 clips.

Reads the owners' own layout, `female/F21N05.wav`: gender and number of the speaker (`F01` and `M01` are two
people), letter of the emotion, running number. The first `F` is a woman, a fourth one is fear.

The rows are the sound files. The owners' `shemo.json` names 162 clips that do not exist and lacks 162 that do,
and its emotions differ in places from those of the names; only text is taken from it, by the clip's name, or else
from `transcript/final text/*.ort`. The re-paired `modified_shemo.json` of Yazdani and Shekofteh argues for other
labels of 163 clips; it is not followed.

Reference: O. Mohamad Nezami, P. Jamshid Lou, M. Karami, "ShEMO: a large-scale validated database for Persian
speech emotion detection", Language Resources and Evaluation 53 (2019), 1-16.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.contracts import CorpusFacts, Download, Utterance
from harness.corpora._names import Named, named_files, require_names
from harness.errors import CorpusError

FILES = "https://github.com/mansourehk/ShEMO/raw/master"
FACTS = CorpusFacts(
    name="shemo",
    title="ShEMO",
    languages=("fa",),
    licence="free for academic use, as its README says; no licence file",
    access="open: https://github.com/mansourehk/ShEMO (its large files are reported broken at times) or the links"
    " in https://github.com/pariajm/sharif-emotional-speech-dataset",
    citation="Mohamad Nezami et al., ShEMO: a large-scale validated database for Persian speech emotion"
    " detection, Language Resources and Evaluation 53 (2019), 1-16",
    doi="10.1007/s10579-018-9427-x",
    labels={
        "A": "anger",
        "F": "fear",
        "H": "happiness",
        "N": "neutral",
        "S": "sadness",
        "W": "surprise",  # wonder
    },
    utterances=3000,
    speakers=87,
    sample_rate_hz=44_100,
    other_rates_hz=(22_050,),
    downloads=(
        Download(
            url=f"{FILES}/female.zip",
            size_bytes=374_368_830,
            checksum="sha256:663d8d7dceb44adbbf87d84be3a080fb691d169fbd972f6941e6302bc39f71e6",
        ),
        Download(
            url=f"{FILES}/male.zip",
            size_bytes=496_606_401,
            checksum="sha256:747670d0d918e59d5e5020cf66610242890b093d42968c467c4f02eb5e6a6b1a",
        ),
    ),
    note="Labels follow the names of the sound files (3,000). Loaders that walk shemo.json find 2,838 of them. The"
    " text of up to 283 clips belongs to another clip, as the owners' file has it.",
)

FOLDERS = ("female", "male")
LAYOUT = "the folders female and male with names such as female/F21N05.wav"
_NAME = re.compile(r"(?P<speaker>[FM]\d\d)(?P<emotion>[AFHNSW])(?P<number>\d+)\.wav", re.IGNORECASE)


def read(root: Path) -> Iterator[Utterance]:
    """One row per sound file.

    Raises:
        CorpusError: nothing here is named like ShEMO, the root is one of its two folders, or `shemo.json` cannot
            be read.
    """
    require_names(root, FACTS, LAYOUT, _NAME)
    _require_both(root)
    texts = _texts(root)
    return (_utterance(file, texts) for file in named_files(root, _NAME))


def _require_both(root: Path) -> None:
    above = root.resolve().parent
    if root.resolve().name in FOLDERS and all((above / folder).is_dir() for folder in FOLDERS):
        raise CorpusError(
            f"this folder is only a part of {FACTS.title}",
            got=str(root),
            wanted=LAYOUT,
            next_step=f"did you mean corpus.root={above} ?",
        )


def _utterance(file: Named, texts: Mapping[str, str]) -> Utterance:
    name = file.stem.upper()
    return Utterance(
        id=name,
        path=file.path,
        label_raw=name[3],
        speaker=name[:3],
        gender="female" if name.startswith("F") else "male",
        text=texts.get(name, ""),
        language="fa",
    )


def _texts(root: Path) -> dict[str, str]:
    """Clip -> what is said, as far as the owners' files at the root or beside it tell."""
    spoken = {
        path.stem: path.read_text(encoding="utf-8-sig", errors="replace").strip()
        for path in sorted(root.glob("transcript*/**/*.ort"))
        if not path.name.startswith(".")
    }
    for path in sorted(root.glob("**/shemo.json")):
        spoken |= _json_texts(path)
    return spoken


def _json_texts(path: Path) -> dict[str, str]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8-sig"))
        return {name: entry.get("transcript") or "" for name, entry in entries.items()}
    except (OSError, ValueError, AttributeError) as fault:
        raise CorpusError(
            f"the transcripts of {FACTS.title} cannot be read",
            got=f"{path}: {fault}",
            wanted='{"F21N05": {"transcript": "..."}, ...} in UTF-8',
            next_step="fetch this file again, or take it away: labels do not need it",
        ) from fault
