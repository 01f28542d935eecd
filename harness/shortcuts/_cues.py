"""What a shortcut may know of an example: how long, how loud, who, and which sentence."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.contracts import Example

if TYPE_CHECKING:
    import pandas as pd

_NO_WORD = re.compile(r"[\W_]+")


class Cue(NamedTuple):
    """The cues of one example."""

    duration_s: float
    level_dbfs: float
    """Full scale is 0; NaN where it is not known."""
    speaker: str
    """Empty where the corpus does not name the speaker."""
    sentence: str
    """The same for all who say the same; empty where nothing is known."""


def cues_of(examples: Sequence[Example], table: pd.DataFrame, levels_dbfs: pd.Series) -> dict[str, Cue]:
    """The cues of every example, by its id; an example that reads several utterances has those of its last.

    Args:
        examples: of a task.
        table: the manifest's rows, columns `id`, `duration_s`, `sentence` and `text`.
        levels_dbfs: level of every utterance, by its id.
    """
    columns = ("id", "duration_s", "sentence", "text")
    rows = {row[0]: row for row in zip(*(table[name].tolist() for name in columns), strict=True)}
    levels = {str(name): float(level) for name, level in levels_dbfs.items()}
    cues = {}
    for example in examples:
        last, duration_s, code, text = rows[example.utterances[-1]]
        level_dbfs = levels.get(last, math.nan)
        cues[example.id] = Cue(float(duration_s), level_dbfs, example.speaker, sentence_key(code, text))
    return cues


def sentence_key(code: object, text: object) -> str:
    """Names a sentence: the owners' code, else the words without case, marks and spacing.

    >>> sentence_key("", "Mm-hmm,  I KNOW."), sentence_key("a01", "whatever"), sentence_key("", "...")
    ('words mm hmm i know', 'code a01', '')
    """
    if isinstance(code, str) and code.strip():
        return f"code {code.strip()}"
    plain = unicodedata.normalize("NFKC", text).casefold() if isinstance(text, str) else ""
    words = _NO_WORD.sub(" ", plain).strip()
    return f"words {words}" if words else ""
