"""Folds as sets: parts are not empty, do not overlap, hold known ids, and test what they should."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.contracts import Example, Fold
from harness.errors import SplitError
from harness.splits._config import SplitConfig


def check_examples(examples: Sequence[Example]) -> dict[str, Example]:
    """The examples by id.

    Raises:
        SplitError: there is no example, or an id is there twice.
    """
    if not examples:
        raise SplitError(
            "there is nothing to split: the task has no examples",
            next_step="look at the labels that the task drops, and at the corpus root",
        )
    by_id = {example.id: example for example in examples}
    if len(by_id) < len(examples):
        doubles = [i for i, count in Counter(e.id for e in examples).items() if count > 1]
        raise SplitError(
            "example ids are not unique",
            got=f"{len(doubles)} ids more than once, first {doubles[0]}",
            next_step="mend the corpus module: every utterance needs an id of its own",
        )
    return by_id


def check_parts(folds: Sequence[Fold], by_id: Mapping[str, Example], config: SplitConfig) -> None:
    """Look at every fold by itself.

    Raises:
        SplitError: no folds, two folds of one name, an unknown id, an id twice, or an empty part.
    """
    _check_fold_names(folds)
    for fold in folds:
        _check_sizes(fold, config)
        _check_ids(fold, by_id)


def check_readable(folds: Sequence[Fold], by_id: Mapping[str, Example]) -> None:
    """Refuse only what nothing can be said about; ids in two parts are let through.

    Raises:
        SplitError: no folds, two folds of one name, an unknown id, or an empty train or test part.
    """
    _check_fold_names(folds)
    for fold in folds:
        _check_sizes(fold, None)
        _check_known(fold, by_id)


def _check_fold_names(folds: Sequence[Fold]) -> None:
    if not folds or len({fold.name for fold in folds}) < len(folds):
        raise SplitError(
            "a protocol has to yield folds with names of their own",
            got=[fold.name for fold in folds],
            next_step="mend the protocol's `split`",
        )


def _check_sizes(fold: Fold, config: SplitConfig | None) -> None:
    """Without a config nobody asks for a dev part, and nobody minds one."""
    wants_dev = config is not None and config.wants_dev
    parts = {"train": fold.train, "test": fold.test} | ({"dev": fold.dev} if wants_dev else {})
    empty = [name for name, ids in parts.items() if not ids]
    if empty:
        raise SplitError(
            f"fold {fold.name} has an empty {' and '.join(empty)} part",
            got=f"train {len(fold.train)}, dev {len(fold.dev)}, test {len(fold.test)} examples",
            wanted=f"at least one example in each of {', '.join(parts)}",
            next_step="read the whole corpus, or choose a protocol with larger parts",
        )
    if config is not None and fold.dev and not wants_dev:
        raise SplitError(
            f"fold {fold.name} has a dev part that nothing reads",
            got=f"{len(fold.dev)} examples with split.select={config.select}",
            wanted="they train",
            next_step="mend the protocol's `split`: take no dev part out unless config.wants_dev",
        )


def _check_ids(fold: Fold, by_id: Mapping[str, Example]) -> None:
    _check_known(fold, by_id)
    twice = [i for i, count in Counter(_all_ids(fold)).items() if count > 1]
    if twice:
        raise _mistaken(fold, "has ids more than once", twice)


def _check_known(fold: Fold, by_id: Mapping[str, Example]) -> None:
    unknown = [i for i in dict.fromkeys(_all_ids(fold)) if i not in by_id]
    if unknown:
        raise _mistaken(fold, "names unknown ids", unknown)


def _mistaken(fold: Fold, what: str, ids: Sequence[str]) -> SplitError:
    return SplitError(
        f"fold {fold.name} {what}",
        got=f"{len(ids)} of them, first {ids[0]}",
        wanted="every id from the task, in one part at most, once",
        next_step="mend the protocol's `split`",
    )


def _all_ids(fold: Fold) -> Iterable[str]:
    return (*fold.train, *fold.dev, *fold.test)


def check_coverage(folds: Sequence[Fold], by_id: Mapping[str, Example], config: SplitConfig) -> None:
    """Look at all test parts together.

    Raises:
        SplitError: an id is tested in two folds, or in none although the protocol tests everything.
    """
    tested = Counter(i for fold in folds for i in fold.test)
    twice = [i for i, count in tested.items() if count > 1]
    missed = [i for i in by_id if i not in tested] if config.tests_everything else []
    if twice or missed:
        raise SplitError(
            f"{len(twice or missed)} examples are {'tested in two folds' if twice else 'never tested'}",
            got=f"first {(twice or missed)[0]}",
            wanted="every example in one test part" + ("" if config.tests_everything else " at most"),
            next_step="mend the protocol's `split`",
        )
