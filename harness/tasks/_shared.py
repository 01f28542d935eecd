"""The labels that several corpora have in common, when one trains and another is tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from harness.errors import LabelError

NO_EMOTION = frozenset({"other", "undecided", "unknown"})
"""Labels that name no emotion: two corpora that both have them do not mean the same by it."""


def shared_labels(labels: Mapping[str, Set[str]], named: Sequence[str] | None) -> tuple[str, ...]:
    """The labels that every corpus has, in alphabetical order, or the named ones in theirs.

    Args:
        labels: corpus -> its labels, merged already.
        named: classes that were asked for; None for all that are shared but for `NO_EMOTION`.

    Raises:
        LabelError: fewer than two are shared, or a named one is not.
    """
    common = frozenset.intersection(*(frozenset(found) for found in labels.values())) - {""}
    chosen = tuple(named) if named is not None else tuple(sorted(common - NO_EMOTION))
    strange = [name for name in chosen if name not in common]
    if strange or len(chosen) < 2:
        raise LabelError(
            f"not all corpora have {', '.join(strange)}" if strange else _too_few(chosen),
            got="; ".join(f"{name}: {', '.join(sorted(found - {''}))}" for name, found in labels.items()),
            wanted="two labels or more that every corpus has",
            next_step="choose a view that names them alike (task.view=big4), merge labels (task.merge={A: B}), "
            "or choose another corpus",
        )
    return chosen


def _too_few(common: Sequence[str]) -> str:
    if common:
        return f"the corpora share one label only, {common[0]}: nothing can be told apart"
    return "the corpora share no label"
