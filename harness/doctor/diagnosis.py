"""The diagnosis of a split: what its parts share, how they are filled, how far they lie apart, and a grade."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.contracts import Example, Fold
from harness.doctor._groups import Grouping, group, heard_by
from harness.doctor._kinds import Kind
from harness.doctor.balance import PartBalance, balance, genders_of
from harness.doctor.grade import Grade, grade_fold, grade_split
from harness.doctor.overlaps import NAMED, Overlap, Parts, overlap, parts_of, touched
from harness.doctor.shift import Shift, Traits, shifts, traits_of
from harness.manifest import Manifest
from harness.splits import Folds

if TYPE_CHECKING:
    from harness.sketch import Sketches


@dataclass(frozen=True, kw_only=True)
class FoldDiagnosis:
    """One fold."""

    name: str
    overlaps: tuple[Overlap, ...]
    """Every kind examined, for every pair of parts; see `decisive`."""
    balance: tuple[PartBalance, ...]
    shifts: tuple[Shift, ...]
    grade: Grade

    @property
    def decisive(self) -> tuple[Overlap, ...]:
        """Everything that is learnt from against the test part, one per kind: what a score hangs on."""
        last = self.overlaps[-1].known
        return tuple(one for one in self.overlaps if (one.known, one.tested) == (last, "test"))


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A whole split."""

    corpus: str
    fingerprint: str
    select: str
    shares_speakers_as: str
    classes: tuple[str, ...]
    warnings: tuple[str, ...]
    not_examined: Mapping[Kind, str]
    """Kinds about which nothing is said, and why."""
    folds: tuple[FoldDiagnosis, ...]
    together: tuple[Overlap, ...]
    """The decisive overlaps of all folds added up, one per kind examined."""
    grade: Grade
    """That of the worst fold."""
    tests: Mapping[str, tuple[str, ...]]
    """Fold -> ids of its test part."""
    leaks: Mapping[str, Mapping[Kind, frozenset[str]]]
    """Fold -> kind -> ids of the test examples that it touches."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: counts and the first names, not every id."""
        plain = asdict(replace(self, tests={}, leaks={}))
        return {name: value for name, value in plain.items() if name not in ("tests", "leaks")}


def diagnose(
    manifest: Manifest,
    examples: Sequence[Example],
    folds: Folds,
    classes: Sequence[str],
    sketches: Sketches | None,
) -> Diagnosis:
    """Examine every fold of a split.

    Args:
        manifest: what the examples were made from.
        examples: all of them.
        folds: as `make_folds` or `cut_folds` gave them.
        classes: of the task, in its order.
        sketches: what is known of the sound of the manifest's rows; None where it was not read, and then
            nothing is said about it.

    Raises:
        SplitError: the examples read utterances that the manifest does not hold.
    """
    heard = heard_by(manifest, examples)
    groupings = group(heard, examples, sketches)
    genders = genders_of(heard, examples)
    traits = traits_of(heard, examples, genders, sketches)
    room = _Room(examples, tuple(classes), groupings.examined, groupings.not_examined, genders, traits)
    found = [_examine(fold, room, folds.select) for fold in folds.folds]
    together = _together([one.decisive for one, _ in found])
    grades = {one.name: one.grade for one, _ in found}
    return Diagnosis(
        corpus=manifest.facts.name,
        fingerprint=folds.fingerprint,
        select=folds.select,
        shares_speakers_as=folds.shares_speakers_as,
        classes=tuple(classes),
        warnings=folds.warnings,
        not_examined=groupings.not_examined,
        folds=tuple(one for one, _ in found),
        together=together,
        grade=grade_split(grades, together, groupings.not_examined, folds.select),
        tests={fold.name: fold.test for fold in folds.folds},
        leaks={one.name: hits for one, hits in found},
    )


@dataclass(frozen=True)
class _Room:
    """What every fold is examined with."""

    examples: Sequence[Example]
    classes: tuple[str, ...]
    groupings: Mapping[Kind, Grouping]
    not_examined: Mapping[Kind, str]
    genders: Sequence[str]
    traits: Traits


def _examine(fold: Fold, room: _Room, select: str) -> tuple[FoldDiagnosis, dict[Kind, frozenset[str]]]:
    ids = [example.id for example in room.examples]
    parts = parts_of(fold, {name: place for place, name in enumerate(ids)})
    overlaps = tuple(
        overlap(grouping, ids, (known, known_mask), (tested, tested_mask))
        for known, known_mask, tested, tested_mask in parts.pairs()
        for grouping in room.groupings.values()
    )
    diagnosis = FoldDiagnosis(
        name=fold.name,
        overlaps=overlaps,
        balance=balance(parts, room.examples, room.classes, room.genders),
        shifts=shifts(parts, room.traits),
        grade=grade_fold(overlaps[-len(room.groupings) :], room.not_examined, select),
    )
    return diagnosis, _leaks(parts, room.groupings, ids)


def _leaks(
    parts: Parts, groupings: Mapping[Kind, Grouping], ids: Sequence[str]
) -> dict[Kind, frozenset[str]]:
    hits = {kind: touched(one, parts.train | parts.dev, parts.test)[1] for kind, one in groupings.items()}
    return {
        kind: frozenset(ids[place] for place in np.flatnonzero(mask).tolist()) for kind, mask in hits.items()
    }


def _together(folds: Sequence[Sequence[Overlap]]) -> tuple[Overlap, ...]:
    return tuple(_sum(list(same_kind)) for same_kind in zip(*folds, strict=True))


def _sum(overlaps: Sequence[Overlap]) -> Overlap:
    """Counts of all folds; a group that is shared in three folds counts three times."""

    def total(count: Callable[[Overlap], int]) -> int:
        return sum(map(count, overlaps))

    def first(names: Callable[[Overlap], tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for one in overlaps for name in names(one)))[:NAMED]

    return replace(
        overlaps[0],
        groups_shared=total(lambda one: one.groups_shared),
        groups_tested=total(lambda one: one.groups_tested),
        touched=total(lambda one: one.touched),
        examples=total(lambda one: one.examples),
        unknown_known=total(lambda one: one.unknown_known),
        unknown_tested=total(lambda one: one.unknown_tested),
        first_groups=first(lambda one: one.first_groups),
        first_touched=first(lambda one: one.first_touched),
    )
