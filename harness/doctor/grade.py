"""A letter for a fold, and the reasons for it.

One letter says one thing, the worst that is true:

    A  nothing shared, and everything was examined
    B  mild: the same sentences or recording sessions on both sides, or something could not be examined
    C  the same dialogues on both sides, or nobody can show that the speakers are others
    D  the same speakers on both sides, or the test part selects the model
    E  the same speaker says the same sentence with the same emotion on both sides, or audio is nearly the same
    F  the test examples themselves are in training: the same id, or the same audio sample for sample

A leak that touches fewer than one in a hundred test examples (`TRACE`) counts one letter less, but is never
graded better than B. What cannot be examined is graded as the mildest thing that it may hide: speakers whom
the corpus does not name cannot be better than C, sentences nobody knows and audio nobody read not better than B.
A split has the grade of its worst fold.

Sentences are a mild reason because many corpora have every actor say the same ten: a model may know a sentence,
but it cannot read the emotion off it where all emotions are said with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.doctor._kinds import AUDIO, Kind
from harness.doctor.overlaps import Overlap

LETTERS = "ABCDEF"
TRACE = 0.01
FIRST = 3
"""Groups named in a reason."""
LETTER_OF: Mapping[Kind, str] = {
    Kind.UTTERANCE: "F",
    Kind.EXACT_AUDIO: "F",
    Kind.NEAR_AUDIO: "E",
    Kind.TWIN: "E",
    Kind.SPEAKER: "D",
    Kind.DIALOGUE: "C",
    Kind.SESSION: "B",
    Kind.SENTENCE: "B",
}
BLIND: Mapping[Kind, str] = {
    Kind.SPEAKER: "C",
    Kind.SENTENCE: "B",
    Kind.EXACT_AUDIO: "B",
    Kind.NEAR_AUDIO: "B",
}
"""The best grade where a kind could not be examined; a corpus without dialogues or sessions loses nothing."""
SELECTED_ON_TEST = "D"


@dataclass(frozen=True)
class Reason:
    """Why a grade is not better."""

    letter: str
    """The best grade that this reason allows."""
    kind: str
    """A `Kind`, or `selection`."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Grade:
    """A letter with its reasons."""

    letter: str
    reasons: tuple[Reason, ...]
    """The gravest first."""
    not_examined: tuple[str, ...]
    """What the letter says nothing about."""

    def __str__(self) -> str:
        """The letter, and that it would be lower or higher with eyes open."""
        blind = [name for name in AUDIO if name in self.not_examined]
        return f"{self.letter} (audio not examined)" if blind else self.letter


def grade_fold(overlaps: Iterable[Overlap], not_examined: Mapping[Kind, str], select: str) -> Grade:
    """Grade what a score hangs on.

    Args:
        overlaps: everything that is learnt from against the test part, one per kind examined.
        not_examined: the other kinds, and why not.
        select: `dev`, `test` or `last`.
    """
    reasons = [reason for one in overlaps for reason in _of_overlap(one)]
    return _grade([*reasons, *_of_blindness(not_examined), *_of_selection(select)], not_examined)


def grade_split(
    folds: Mapping[str, Grade], together: Iterable[Overlap], not_examined: Mapping[Kind, str], select: str
) -> Grade:
    """The grade of the worst fold, with the counts of all folds together.

    Args:
        folds: grade of each.
        together: the overlaps of all folds added up.
        not_examined: kinds that could not be examined, and why not.
        select: `dev`, `test` or `last`.
    """
    worst = max(grade.letter for grade in folds.values())
    letters = _worst_per_kind(folds.values())
    reasons = [
        Reason(letters[reason.kind], reason.kind, reason.text)
        for one in together
        for reason in _of_overlap(one)
    ]
    grade = _grade([*reasons, *_of_blindness(not_examined), *_of_selection(select)], not_examined)
    return Grade(letter=worst, reasons=grade.reasons, not_examined=grade.not_examined)


def _worst_per_kind(grades: Iterable[Grade]) -> dict[str, str]:
    worst: dict[str, str] = {}
    for grade in grades:
        for reason in grade.reasons:
            worst[reason.kind] = max(worst.get(reason.kind, "A"), reason.letter)
    return worst


def _grade(reasons: Sequence[Reason], not_examined: Mapping[Kind, str]) -> Grade:
    ranked = sorted(reasons, key=lambda reason: LETTERS.index(reason.letter), reverse=True)
    return Grade(
        letter=ranked[0].letter if ranked else "A", reasons=tuple(ranked), not_examined=tuple(not_examined)
    )


def _of_overlap(one: Overlap) -> Iterator[Reason]:
    if one.touched:
        trace = one.share < TRACE
        letter = max("B", _milder(LETTER_OF[one.kind])) if trace else LETTER_OF[one.kind]
        few = f", fewer than {TRACE:.0%}" if trace else ""
        text = f"{one.kind.phrase} is in training for {one.touched} of {one.examples} test examples{few} "
        text += f"(first {'; '.join(one.first_groups[:FIRST])})"
        yield Reason(letter, one.kind, text)
    elif one.kind in BLIND and (one.unknown_known or one.unknown_tested):
        unknown = one.unknown_known + one.unknown_tested
        yield Reason(BLIND[one.kind], one.kind, f"{one.kind.heading} are unknown for {unknown} examples")


def _milder(letter: str) -> str:
    return LETTERS[LETTERS.index(letter) - 1]


def _of_blindness(not_examined: Mapping[Kind, str]) -> Iterator[Reason]:
    for kind, why in not_examined.items():
        if kind in BLIND:
            yield Reason(BLIND[kind], kind, f"{kind.heading} not examined, {why}")


def _of_selection(select: str) -> Iterator[Reason]:
    if select == "test":
        yield Reason(SELECTED_ON_TEST, "selection", "the test part selects the model")
