"""PAVOQUE: one German speaker in four moods beside neutral, as long recordings with a list of utterances each.

Reads `pavoque-<style>.yaml` (a list of prompt, text, style, start and end in seconds) and the sound beside it,
`pavoque-<style>.flac`, for neutral, angry, happy, sad and poker (cool, laid back: a style and no emotion).

`pavoque-outtakes` is not read: 1,892 further takes, 119 intervals of which are listed under two styles or more.
EmoBox reads them, hence its 7,334 utterances instead of 5,442. Where the file lies there, it is reported as one
that no utterance is in.

Reference: I. Steiner, M. Schröder, A. Klepp, "The PAVOQUE corpus as a resource for analysis and synthesis of
expressive speech", Phonetik & Phonologie 9, 2013; https://github.com/marytts/pavoque-data
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.contracts import CorpusFacts, Utterance
from harness.corpora._layout import require_layout
from harness.corpora._tables import read_text
from harness.errors import CorpusError

FACTS = CorpusFacts(
    name="pavoque",
    title="PAVOQUE",
    languages=("de",),
    licence="CC BY-NC-SA 4.0",
    access="open: https://github.com/marytts/pavoque-data/releases",
    citation="Steiner et al., The PAVOQUE corpus, Phonetik & Phonologie 9, 2013",
    labels={
        "neutral": "neutral",
        "angry": "anger",
        "happy": "happiness",
        "poker": "poker",
        "sad": "sadness",
    },
    utterances=5_442,
    speakers=1,
    sample_rate_hz=44_100,
    note="No DOI. 1,892 outtakes are not read.",
)

SPEAKER = "Stefan Röttig"
STYLES = tuple(FACTS.labels)

LAYOUT = "pavoque-neutral.yaml, pavoque-neutral.flac and the same for angry, happy, sad and poker"


def read(root: Path) -> Iterator[Utterance]:
    """Every utterance of the five lists, style by style, in order of time.

    Raises:
        CorpusError: not the root of PAVOQUE, or a list that cannot be read.
    """
    require_layout(root, FACTS, _recognises, LAYOUT)
    return (one for style in STYLES if _list_of(root, style).is_file() for one in _utterances(root, style))


def _recognises(root: Path) -> bool:
    return any(_list_of(root, style).is_file() for style in STYLES)


def _list_of(root: Path, style: str) -> Path:
    return root / f"pavoque-{style}.yaml"


def _utterances(root: Path, style: str) -> Iterator[Utterance]:
    path = _list_of(root, style)
    entries = _entries(path)
    try:
        yield from (_utterance(entry, style) for entry in entries)
    except (KeyError, TypeError, ValueError) as fault:
        raise _unreadable(path, fault) from fault


def _entries(path: Path) -> Any:  # noqa: ANN401 - what YAML holds is not known before it is read
    """What the file holds; the parser in C is twenty times faster, where PyYAML was built with it."""
    import yaml

    try:
        return yaml.load(read_text(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except yaml.YAMLError as fault:
        raise _unreadable(path, fault) from fault


def _unreadable(path: Path, fault: Exception) -> CorpusError:
    return CorpusError(
        "a list of PAVOQUE cannot be read",
        got=f"{path}: {type(fault).__name__}: {fault}",
        wanted="YAML, a list of prompt, text, style, start and end",
        next_step=f"fetch it again: {FACTS.access}",
    )


def _utterance(entry: dict[str, Any], style: str) -> Utterance:
    prompt = str(entry["prompt"])
    return Utterance(
        id=f"{prompt}-{entry['style']}",
        path=f"pavoque-{style}.flac",
        label_raw=str(entry["style"]),
        speaker=SPEAKER,
        gender="male",
        start_s=float(entry["start"]),
        end_s=float(entry["end"]),
        text=str(entry["text"]),
        sentence=prompt,
        language="de",
    )
