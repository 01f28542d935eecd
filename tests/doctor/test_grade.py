"""One letter, the worst that is true, with its reasons."""

from __future__ import annotations

import pytest

from harness.doctor import Grade, Kind
from harness.doctor._kinds import AUDIO
from harness.doctor.grade import BLIND, LETTER_OF, LETTERS, grade_fold, grade_split
from harness.doctor.overlaps import Overlap


def shared(kind: Kind, touched: int, examples: int = 100, unknown: int = 0) -> Overlap:
    return Overlap(
        kind=kind, known="train", tested="test", groups_shared=min(touched, 1), groups_tested=5, touched=touched,
        examples=examples, unknown_known=unknown, unknown_tested=0, first_groups=("g",)[:touched],
        first_touched=("x",)[:touched],
    )  # fmt: skip


def clean(*but: Overlap) -> list[Overlap]:
    """Every kind examined and nothing shared, but for these."""
    changed = {one.kind: one for one in but}
    return [changed.get(kind, shared(kind, 0)) for kind in Kind]


def graded(*but: Overlap, blind: dict[Kind, str] | None = None, select: str = "dev") -> Grade:
    blind = blind or {}
    return grade_fold([one for one in clean(*but) if one.kind not in blind], blind, select)


def test_nothing_shared_and_everything_examined_is_an_a() -> None:
    grade = graded()
    assert (grade.letter, grade.reasons, str(grade)) == ("A", (), "A")


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_by_itself(kind: Kind) -> None:
    grade = graded(shared(kind, 30))
    assert grade.letter == LETTER_OF[kind]
    (reason,) = grade.reasons
    assert "30 of 100" in reason.text


@pytest.mark.parametrize("kind", list(Kind))
def test_a_trace_is_a_letter_milder_and_never_nothing(kind: Kind) -> None:
    whole, trace = graded(shared(kind, 1)), graded(shared(kind, 1, examples=1000))
    assert trace.letter == max("B", LETTERS[LETTERS.index(whole.letter) - 1])


def test_the_gravest_reason_comes_first() -> None:
    grade = graded(shared(Kind.SENTENCE, 100), shared(Kind.SPEAKER, 100), shared(Kind.TWIN, 17))
    assert [reason.letter for reason in grade.reasons] == ["E", "D", "B"]


def test_the_order_of_gravity() -> None:
    """The test's own audio in training is the gravest; speakers weigh more than sentences."""
    order = [Kind.SENTENCE, Kind.DIALOGUE, Kind.SPEAKER, Kind.TWIN, Kind.EXACT_AUDIO]
    letters = [graded(shared(kind, 50)).letter for kind in order]
    assert letters == sorted(letters)
    assert len(set(letters)) == len(letters)


def test_unknown_speakers_are_never_better_than_c() -> None:
    assert graded(blind={Kind.SPEAKER: "the corpus names no speakers"}).letter == "C"
    assert graded(shared(Kind.SPEAKER, 0, unknown=3)).letter == "C"


def test_audio_that_nobody_read_is_never_an_a_and_is_told() -> None:
    grade = graded(blind=dict.fromkeys(AUDIO, "the audio was not read"))
    assert grade.letter == "B"
    assert str(grade) == "B (audio not examined)"
    assert all("not examined" in reason.text for reason in grade.reasons)


def test_a_corpus_without_dialogues_loses_nothing() -> None:
    assert graded(blind={Kind.DIALOGUE: "none", Kind.SESSION: "none"}).letter == "A"


def test_selection_on_the_test_part_is_a_reason() -> None:
    assert graded(select="test").letter == "D"
    assert graded(select="last").letter == "A"


def test_a_split_is_as_good_as_its_worst_fold() -> None:
    folds = {"x": graded(), "y": graded(shared(Kind.SPEAKER, 2))}
    together = clean(shared(Kind.SPEAKER, 2, examples=200))
    grade = grade_split(folds, together, {}, "dev")
    assert grade.letter == "D"
    assert "2 of 200" in grade.reasons[0].text


def test_a_leak_of_one_fold_keeps_its_letter_where_it_is_a_trace_of_all() -> None:
    folds = {"x": graded(shared(Kind.EXACT_AUDIO, 1, examples=50)), "y": graded()}
    together = clean(shared(Kind.EXACT_AUDIO, 1, examples=1000))
    grade = grade_split(folds, together, {}, "dev")
    assert (grade.letter, grade.reasons[0].letter) == ("F", "F")


def test_every_kind_has_a_letter() -> None:
    assert set(LETTER_OF) == set(Kind)
    assert set(BLIND) <= set(Kind)
