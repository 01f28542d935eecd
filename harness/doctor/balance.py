"""How classes and genders are spread over the parts of a fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.contracts import Example
from harness.doctor._groups import Heard
from harness.doctor.overlaps import Parts

UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class PartBalance:
    """One part of a fold."""

    part: str
    examples: int
    classes: Mapping[str, int]
    """Class -> examples; a class without any is listed with 0."""
    genders: Mapping[str, int]
    """`female`, `male`, others as the corpus names them, `unknown`; only those that the examples hold."""
    speakers: int
    """Known speakers."""

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes without an example."""
        return tuple(name for name, count in self.classes.items() if not count)


def genders_of(heard: Heard, examples: Sequence[Example]) -> list[str]:
    """The gender of every example's speaker, `unknown` where the corpus does not say it.

    A speaker's gender is what the rows of that speaker say; a speaker whom nobody names has that of the last
    utterance read.
    """
    genders, speakers = heard.texts("gender"), heard.texts("speaker")
    of_speaker = {who: gender for who, gender in zip(speakers, genders, strict=True) if who and gender}
    return [
        of_speaker.get(example.speaker)
        or (genders[rows[-1]] if rows and not example.speaker else "")
        or UNKNOWN
        for example, rows in zip(examples, heard.rows, strict=True)
    ]


def balance(
    parts: Parts, examples: Sequence[Example], classes: Sequence[str], genders: Sequence[str]
) -> tuple[PartBalance, ...]:
    """Count every part that holds anything.

    Args:
        parts: of the fold.
        examples: all of them.
        classes: of the task, in its order.
        genders: of every example.
    """
    return tuple(
        _part(name, np.flatnonzero(mask).tolist(), examples, classes, genders)
        for name, mask in zip(parts._fields, parts, strict=True)
        if mask.any()
    )


def _part(
    name: str,
    places: Sequence[int],
    examples: Sequence[Example],
    classes: Sequence[str],
    genders: Sequence[str],
) -> PartBalance:
    targets = Counter(examples[place].target for place in places)
    spoken = Counter(genders[place] for place in places)
    return PartBalance(
        part=name,
        examples=len(places),
        classes={one: targets[one] for one in classes},
        genders={one: spoken[one] for one in sorted(set(genders))},
        speakers=len({examples[place].speaker for place in places} - {""}),
    )
