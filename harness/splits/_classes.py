"""Which classes the parts hold: a fold must not be asked for what it never saw."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from harness.contracts import Example, Fold
from harness.errors import SplitError


def class_counts(ids: Iterable[str], by_id: Mapping[str, Example]) -> dict[str, int]:
    """Examples per class, classes in alphabetical order; absent classes are not listed."""
    return dict(sorted(Counter(by_id[i].target for i in ids).items()))


def check_train_classes(folds: Sequence[Fold], by_id: Mapping[str, Example]) -> None:
    """Every class that the task knows has a training example in every fold.

    Raises:
        SplitError: one has not, with the counts of that train part.
    """
    classes = _classes(by_id)
    for fold in folds:
        counts = class_counts(fold.train, by_id)
        absent = [name for name in classes if name not in counts]
        if absent:
            raise SplitError(
                f"class {', '.join(absent)} has no training example in fold {fold.name}",
                got=f"train counts {counts}",
                wanted=f"at least one example of each of {', '.join(classes)}",
                next_step=f"drop the class in the task (task.drop=[{','.join(absent)}]), read the whole corpus, "
                "or choose a protocol that keeps more for training",
            )


def class_warnings(folds: Sequence[Fold], by_id: Mapping[str, Example]) -> tuple[str, ...]:
    """One line per class and part that lacks it: metrics of such a fold are means over fewer classes."""
    lacking: dict[tuple[str, str], list[str]] = defaultdict(list)
    for fold in folds:
        for part, ids in (("dev", fold.dev), ("test", fold.test)):
            for name in _absent(ids, by_id):
                lacking[name, part].append(fold.name)
    return tuple(
        f"class {name} is absent from the {part} part of {len(names)} of {len(folds)} folds: {', '.join(names)}"
        for (name, part), names in sorted(lacking.items())
    )


def _absent(ids: Sequence[str], by_id: Mapping[str, Example]) -> list[str]:
    present = {by_id[i].target for i in ids}
    return [name for name in _classes(by_id) if name not in present] if ids else []


def _classes(by_id: Mapping[str, Example]) -> list[str]:
    """The classes that examples are of; one with several values (scales, raters' shares) is of none alone."""
    return sorted({example.target for example in by_id.values() if len(example.values) < 2})
