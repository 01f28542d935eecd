"""Copies of a recording within a corpus: equal samples, and prints that agree where they are laid side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations, product
from typing import Literal, NamedTuple

from harness.sketch._align import Alignment, alignments
from harness.sketch._level import FLOOR_DBFS
from harness.sketch._sketches import Sketches


class Pair(NamedTuple):
    """Two utterances that are one recording."""

    ids: tuple[str, str]
    """In the order of the manifest."""
    kind: Literal["exact", "near"]
    similarity: float
    """Share of equal bits where they overlap: 1 for exact ones; two unrelated recordings have 0.5."""


def near_duplicates(sketches: Sketches) -> list[Pair]:
    """All pairs that hold the same recording, in the order of the manifest.

    Exact: every sample is equal. Near: the same recording after a change of level, rate or coding, with noise far
    below it, cut shorter or padded at its ends, or one wholly in the other. Another take of the same
    sentence is no copy. Digital silence is nobody's recording and is never listed.
    """
    groups = _same_samples(sketches)
    first = [members[0] for members in groups]
    exact = [(pair, "exact", 1.0) for members in groups for pair in combinations(members, 2)]
    near = [
        (pair, "near", found.similarity)
        for found in _aligned(sketches, first)
        for pair in product(groups[found.first], groups[found.second])
    ]
    ids = sketches.table.index
    ordered = sorted((min(pair), max(pair), kind, similarity) for pair, kind, similarity in [*exact, *near])
    return [Pair((ids[a], ids[b]), kind, similarity) for a, b, kind, similarity in ordered]  # type: ignore[arg-type]


def _same_samples(sketches: Sketches) -> list[list[int]]:
    """Rows by their samples, each row once; rows of digital silence are left out."""
    groups: dict[str, list[int]] = defaultdict(list)
    rows = zip(sketches.table["pcm_sha256"], sketches.table["peak_dbfs"], strict=True)
    for row, (samples, peak_dbfs) in enumerate(rows):
        if peak_dbfs > FLOOR_DBFS:
            groups[samples].append(row)
    return list(groups.values())


def _aligned(sketches: Sketches, rows: Sequence[int]) -> list[Alignment]:
    import numpy as np

    return alignments(sketches.prints.take(np.array(rows, dtype=np.int64)))
