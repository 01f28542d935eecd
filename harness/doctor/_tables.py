"""Tables of a diagnosis as rows of text, before anyone decides between a terminal and a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.doctor.balance import PartBalance
from harness.doctor.clean import Cleaned, Rescored
from harness.doctor.diagnosis import Diagnosis, FoldDiagnosis
from harness.doctor.overlaps import Overlap
from harness.doctor.shift import Shift
from harness.metrics import written
from harness.statistics import Score


class Table(NamedTuple):
    """A table with what has to be said to read it."""

    title: str
    legend: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def overlap_table(diagnosis: Diagnosis) -> Table:
    """Per fold and kind: groups on both sides, and the test examples that they touch."""
    kinds = [one.kind for one in diagnosis.together]
    rows = [
        (
            fold.name,
            *_sizes(fold),
            *(_shared(one) for one in fold.decisive),
            fold.grade.letter,
        )
        for fold in diagnosis.folds
    ]
    examples = diagnosis.together[0].examples
    sums = (
        "all folds",
        "",
        "",
        str(examples),
        *(f"touch {one.touched}" if one.touched else "-" for one in diagnosis.together),
        diagnosis.grade.letter,
    )
    return Table(
        "On both sides: the test part against everything that is learnt from (train and dev)",
        "10/10 (107): of 10 groups in the test part 10 are in training too, and touch 107 test examples; "
        "?12: nobody says it of 12 examples",
        ("fold", "train", "dev", "test", *(kind.heading for kind in kinds), "grade"),
        (*rows, sums),
    )


def _sizes(fold: FoldDiagnosis) -> tuple[str, str, str]:
    sizes = {part.part: str(part.examples) for part in fold.balance}
    return sizes.get("train", "0"), sizes.get("dev", "0"), sizes.get("test", "0")


def _shared(one: Overlap) -> str:
    unknown = one.unknown_known + one.unknown_tested
    doubt = f" ?{unknown}" if unknown else ""
    return (f"{one.groups_shared}/{one.groups_tested} ({one.touched})" if one.touched else "none") + doubt


def pair_table(diagnosis: Diagnosis) -> Table:
    """Every pair of parts, with the names of the first."""
    rows = [
        (
            fold.name,
            f"{one.known} / {one.tested}",
            one.kind.heading,
            f"{one.groups_shared} of {one.groups_tested}",
            f"{one.touched} of {one.examples}",
            ", ".join(one.first_groups),
            ", ".join(one.first_touched),
        )
        for fold in diagnosis.folds
        for one in fold.overlaps
        if one.touched
    ]
    return Table(
        "Every pair of parts",
        "Pairs that share nothing are left out. Examples are those of the second part.",
        ("fold", "parts", "kind", "groups shared", "examples touched", "first groups", "first examples"),
        tuple(rows),
    )


def balance_table(diagnosis: Diagnosis) -> Table:
    """Classes and genders of every part."""
    rows = [
        (
            fold.name,
            part.part,
            str(part.examples),
            str(part.speakers),
            *(str(part.classes[name]) for name in diagnosis.classes),
            _genders(part),
        )
        for fold in diagnosis.folds
        for part in fold.balance
    ]
    return Table(
        "Classes and genders",
        "examples per class; a class with 0 is missing from the part",
        ("fold", "part", "examples", "speakers", *diagnosis.classes, "genders"),
        tuple(rows),
    )


def _genders(part: PartBalance) -> str:
    return ", ".join(f"{name} {count}" for name, count in part.genders.items())


def shift_table(diagnosis: Diagnosis) -> Table:
    """Train against test."""
    rows = [(fold.name, *(_shift(one) for one in fold.shifts)) for fold in diagnosis.folds]
    names = [f"{one.quantity} ({_short(one)})" for one in diagnosis.folds[0].shifts]
    return Table(
        "Shift from train to test",
        "0.05 < 0.11: the distance, and what 95 % of random cuts of the same sizes stay below; * exceeds it. "
        "TV: total variation, KS: Kolmogorov-Smirnov. Speakers differ, so a split by speakers exceeds chance by "
        "nature.",
        ("fold", *names),
        tuple(rows),
    )


def _short(one: Shift) -> str:
    return "TV" if one.measure == "total variation" else "KS"


def _shift(one: Shift) -> str:
    if one.distance is None or one.by_chance_95 is None:
        return "not examined"
    sign, star = (">", " *") if one.exceeds_chance else ("<", "")
    return f"{one.distance:.3f} {sign} {one.by_chance_95:.3f}{star}"


def clean_table(cleaned: Cleaned) -> Table:
    """Score and score minus leak, in percent; kinds that touch nothing are named below."""
    names = tuple(cleaned.scores.metrics)
    whole = ("everything", str(cleaned.examples), *_figures(cleaned.scores.metrics.values()), "")
    rows = [_clean_row(one, names) for one in cleaned.without if one.removed]
    absent = [one.without for one in cleaned.without if not one.removed]
    said = [
        "Pooled over the folds, shares in percent, with the interval over speakers; no model was trained."
    ]
    said += [f"Nothing to leave out for {', '.join(absent)}."] if absent else []
    blind = ", ".join(cleaned.not_examined)
    said += [f"Not examined, and so perhaps in every figure: {blind}."] if blind else []
    return Table(
        f"Score minus leak: {cleaned.run}",
        " ".join(said),
        ("test examples", "n", *(name.upper() for name in names), "note"),
        (whole, *rows),
    )


def _clean_row(one: Rescored, names: Sequence[str]) -> tuple[str, ...]:
    figures = _figures(one.scores.metrics.values()) if one.scores else ("-" for _ in names)
    return (f"without {one.without}", str(one.examples), *figures, one.note)


def _figures(scores: Iterable[Score]) -> tuple[str, ...]:
    return tuple(_figure(one) for one in scores)


def _figure(one: Score) -> str:
    limits, how = one.pooled_interval, {"percent": one.percent}
    if limits.low is None or limits.high is None:
        return written(how, one.pooled)
    return f"{written(how, one.pooled)} [{written(how, limits.low, -1)}, {written(how, limits.high, -1)}]"
