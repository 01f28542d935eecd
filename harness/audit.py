"""What the record says of a split: who and what is in each part, and who is in two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.contracts import Example, Fold
from harness.splits import Folds

PARTS = ("train", "dev", "test")
PAIRS = (("train", "dev"), ("train", "test"), ("dev", "test"))


@dataclass(frozen=True, kw_only=True)
class FoldAudit:
    """One fold; the keys of each table are `train`, `dev`, `test` or pairs of them as `train/test`."""

    name: str
    examples: Mapping[str, int]
    classes: Mapping[str, Mapping[str, int]]
    """part -> class -> examples; a class without any is listed with 0, and on scales nothing is."""
    speakers: Mapping[str, int]
    """Known speakers per part."""
    unknown_speakers: Mapping[str, int]
    """Examples per part whose speaker the corpus does not name."""
    shared_speakers: Mapping[str, tuple[str, ...]]
    """pair of parts -> known speakers in both."""
    shared_dialogues: Mapping[str, tuple[str, ...]]
    """pair of parts -> dialogues that examples of both read; empty where examples read single utterances."""


@dataclass(frozen=True, kw_only=True)
class SplitAudit:
    """A whole split."""

    fingerprint: str
    select: str
    shares_speakers_as: str
    dev_shares_speakers: bool
    shared_speakers: tuple[str, ...]
    warnings: tuple[str, ...]
    folds: tuple[FoldAudit, ...]
    shares_dialogues_as: str
    shared_dialogues: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def audit_split(folds: Folds, examples: Sequence[Example], classes: Sequence[str]) -> SplitAudit:
    """Describe folds that passed their checks.

    Args:
        folds: as `make_folds` gave them.
        examples: those they were made from.
        classes: of the task, in its order.
    """
    by_id = {example.id: example for example in examples}
    return SplitAudit(
        fingerprint=folds.fingerprint,
        select=folds.select,
        shares_speakers_as=folds.shares_speakers_as,
        dev_shares_speakers=folds.dev_shares_speakers,
        shared_speakers=folds.shared_speakers,
        warnings=folds.warnings,
        folds=tuple(_audit_fold(fold, by_id, classes) for fold in folds.folds),
        shares_dialogues_as=folds.shares_dialogues_as,
        shared_dialogues=folds.shared_dialogues,
    )


def _audit_fold(fold: Fold, by_id: Mapping[str, Example], classes: Sequence[str]) -> FoldAudit:
    parts = {
        name: [by_id[i] for i in ids]
        for name, ids in zip(PARTS, (fold.train, fold.dev, fold.test), strict=True)
    }
    speakers = {name: {e.speaker for e in part} - {""} for name, part in parts.items()}
    dialogues = {name: {e.dialogue for e in part if e.roles} for name, part in parts.items()}
    return FoldAudit(
        name=fold.name,
        examples={name: len(part) for name, part in parts.items()},
        classes={name: _class_counts(part, classes) for name, part in parts.items()},
        speakers={name: len(who) for name, who in speakers.items()},
        unknown_speakers={name: sum(not e.speaker for e in part) for name, part in parts.items()},
        shared_speakers={f"{a}/{b}": tuple(sorted(speakers[a] & speakers[b])) for a, b in PAIRS},
        shared_dialogues={f"{a}/{b}": tuple(sorted(dialogues[a] & dialogues[b])) for a, b in PAIRS},
    )


def _class_counts(part: Iterable[Example], classes: Sequence[str]) -> dict[str, int]:
    """Nothing where the targets are no classes."""
    counts = Counter(example.target for example in part)
    return {} if set(counts) == {""} else {name: counts[name] for name in classes}
