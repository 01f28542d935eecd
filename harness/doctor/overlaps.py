"""What the parts of a fold have in common: groups on both sides, and the examples that they touch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Fold
from harness.doctor._groups import Grouping
from harness.doctor._kinds import Kind

NAMED = 5
"""How many groups and examples are named."""

Mask = NDArray[np.bool_]
"""(examples,) which examples belong to a part."""


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """One kind of group on both sides of one pair of parts."""

    kind: Kind
    known: str
    """The part that is learnt from: `train`, `dev`, or `train+dev`."""
    tested: str
    """The part that may be known from it: `dev` or `test`."""
    groups_shared: int
    groups_tested: int
    """Groups that the tested part holds."""
    touched: int
    """Examples of the tested part that belong to a shared group."""
    examples: int
    """Examples of the tested part."""
    unknown_known: int
    """Examples of the known part of which nobody says what they belong to: they may be anyone's."""
    unknown_tested: int
    """Such examples of the tested part."""
    first_groups: tuple[str, ...]
    """Names of the first shared groups."""
    first_touched: tuple[str, ...]
    """Ids of the first touched examples."""

    @property
    def share(self) -> float:
        """Share of the tested part that is touched."""
        return self.touched / self.examples


class Parts(NamedTuple):
    """A fold as masks over the examples; an example can be in several parts where the fold says so."""

    train: Mask
    dev: Mask
    test: Mask

    def pairs(self) -> Iterator[tuple[str, Mask, str, Mask]]:
        """Name and mask of each known part with each tested part; the last pair is what a score hangs on."""
        if self.dev.any():
            yield "train", self.train, "dev", self.dev
            yield "train", self.train, "test", self.test
            yield "dev", self.dev, "test", self.test
            yield "train+dev", self.train | self.dev, "test", self.test
        else:
            yield "train", self.train, "test", self.test


def parts_of(fold: Fold, position: Mapping[str, int]) -> Parts:
    """The masks of a fold.

    Args:
        fold: its ids are keys of `position`.
        position: example id -> place among all examples.
    """
    return Parts(*(_mask(ids, position) for ids in (fold.train, fold.dev, fold.test)))


def _mask(ids: Sequence[str], position: Mapping[str, int]) -> Mask:
    mask = np.zeros(len(position), dtype=np.bool_)
    mask[[position[name] for name in ids]] = True
    return mask


def touched(grouping: Grouping, known: Mask, tested: Mask) -> tuple[NDArray[np.int64], Mask]:
    """Which groups are on both sides, and which tested examples belong to one.

    Returns:
        (shared,) group numbers in order of appearance, and the (examples,) mask of touched examples.
    """
    on_known, on_tested = (_groups_in(grouping, part) for part in (known, tested))
    shared = on_known & on_tested
    hit = np.zeros(len(known), dtype=np.bool_)
    hit[grouping.example[shared[grouping.group]]] = True
    return np.flatnonzero(shared), hit & tested


def _groups_in(grouping: Grouping, part: Mask) -> Mask:
    there = np.zeros(len(grouping.names), dtype=np.bool_)
    there[grouping.group[part[grouping.example]]] = True
    return there


def overlap(
    grouping: Grouping, ids: Sequence[str], known: tuple[str, Mask], tested: tuple[str, Mask]
) -> Overlap:
    """Count what is on both sides.

    Args:
        grouping: which examples belong together.
        ids: of all examples.
        known: name and mask of the part that is learnt from.
        tested: name and mask of the other.
    """
    shared, hit = touched(grouping, known[1], tested[1])
    return Overlap(
        kind=grouping.kind,
        known=known[0],
        tested=tested[0],
        groups_shared=len(shared),
        groups_tested=int(_groups_in(grouping, tested[1]).sum()),
        touched=int(hit.sum()),
        examples=int(tested[1].sum()),
        unknown_known=int((grouping.unknown & known[1]).sum()),
        unknown_tested=int((grouping.unknown & tested[1]).sum()),
        first_groups=tuple(grouping.names[number] for number in shared[:NAMED]),
        first_touched=tuple(ids[place] for place in np.flatnonzero(hit)[:NAMED]),
    )
