"""Which dialogues are on both sides of a fold: an example that reads a conversation hears everybody in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.contracts import Example, Fold
from harness.errors import SplitError
from harness.splits._config import SplitConfig


def dialogues_of(ids: Iterable[str], by_id: Mapping[str, Example]) -> set[str]:
    """The dialogues that these examples read; none for examples that read their own utterance only."""
    return {by_id[i].dialogue for i in ids if by_id[i].roles}


def dialogue_overlap(folds: Iterable[Fold], by_id: Mapping[str, Example]) -> dict[str, tuple[str, ...]]:
    """Per fold, the tested dialogues that its train or dev part reads too; folds without any are left out."""
    both = {
        fold.name: dialogues_of((*fold.train, *fold.dev), by_id) & dialogues_of(fold.test, by_id)
        for fold in folds
    }
    return {name: tuple(sorted(dialogues)) for name, dialogues in both.items() if dialogues}


def check_dialogues(overlap: Mapping[str, Sequence[str]], config: SplitConfig) -> None:
    """Refuse dialogues on both sides, unless the protocol follows a publication that has them there.

    Raises:
        SplitError: a fold has, and no publication is named.
    """
    if not overlap or config.shares_dialogues_as:
        return
    name, dialogues = next(iter(overlap.items()))
    raise SplitError(
        f"fold {name} has {len(dialogues)} dialogue(s) on both sides: training hears the tested conversations",
        got=", ".join(dialogues[:5])
        + (" ..." if len(dialogues) > 5 else "")
        + f"; {len(overlap)} fold(s) so",
        wanted="no dialogue of the test part in train or dev",
        next_step="use split=conversation (split.variant=as_published does so by name), or split=official",
    )


def dev_warnings(folds: Sequence[Fold], by_id: Mapping[str, Example]) -> tuple[str, ...]:
    """One line where dev parts read dialogues of their own train part: they then select too kindly."""
    names = [fold.name for fold in folds if dialogues_of(fold.train, by_id) & dialogues_of(fold.dev, by_id)]
    return (f"dev and train share dialogues in {len(names)} of {len(folds)} folds",) if names else ()
