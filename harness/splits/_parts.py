"""The few moves that protocols share: draw a dev part, cut a fold, group by speaker or session."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.contracts import Example, Fold
from harness.errors import SplitError
from harness.splits._config import SplitConfig, check_share


def cut(
    name: str, ids: Sequence[str], *, test: Collection[str], dev: Collection[str], config: SplitConfig
) -> Fold:
    """A fold whose parts keep the order of `ids`; what is neither test nor dev trains.

    With another selection rule than `dev` the dev part is not taken out: it trains.
    """
    tested = frozenset(test)
    watched = frozenset(dev) if config.wants_dev else frozenset()
    return Fold(
        name=name,
        train=tuple(i for i in ids if i not in tested and i not in watched),
        dev=tuple(i for i in ids if i in watched),
        test=tuple(i for i in ids if i in tested),
    )


def train_size(count: int, dev_share: float) -> int:
    """How many of `count` stay in train: the floor of `(1 - dev_share) * count`, as SUPERB counts.

    The small addend mends binary fractions: nine tenths of ten are nine, not eight.

    >>> train_size(4446, 0.2), train_size(10, 0.9)
    (3556, 1)
    """
    return int((1.0 - dev_share) * count + 1e-9)


def draw_dev(ids: Collection[str], *, share: float, seed: int, fold: int) -> frozenset[str]:
    """A random share of `ids`, the same on every machine and for every order of the ids.

    `RandomState` is numpy's frozen generator: its stream never changes between versions. Each fold draws
    from its own stream, so folds do not depend on each other.

    Raises:
        ConfigError: the share is not between 0 and 1.
    """
    import numpy as np

    check_share(share)
    ordered = sorted(ids)
    order = np.random.RandomState([seed, fold]).permutation(len(ordered))
    return frozenset(ordered[i] for i in order[train_size(len(ordered), share) :])


def group_values(examples: Sequence[Example], field: str) -> list[str]:
    """The sorted distinct speakers or sessions of the examples.

    Args:
        examples: all examples of the task.
        field: `speaker` or `session`.

    Raises:
        SplitError: an example has no value there.
    """
    nameless = [example.id for example in examples if not getattr(example, field)]
    if nameless:
        raise SplitError(
            f"the protocol needs the {field} of every example, and the corpus does not say it",
            got=f"{len(nameless)} of {len(examples)} without {field}, first {nameless[0]}",
            wanted=f"a {field} for every example",
            next_step="choose a protocol that needs none: split=official or split=random_10fold",
        )
    return sorted({getattr(example, field) for example in examples})


def too_few(field: str, got: int, wanted: int) -> SplitError:
    """The error of a protocol that needs more groups than there are."""
    return SplitError(
        f"there are too few {field}s for this protocol",
        got=f"{got} {field}{'' if got == 1 else 's'}",
        wanted=f"at least {wanted}",
        next_step="choose another protocol, or split.select=last, which needs no dev part",
    )
