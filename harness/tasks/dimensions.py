"""Dimensions: numbers that raters gave on scales (arousal, valence, dominance), in the owners' own units.

IEMOCAP rates from 1 to 5, MSP-Podcast from 1 to 7; nothing is rescaled, so that an error means what the owners
mean by it. Concordance does not change where truth and prediction are rescaled together. What the owners call
activation is arousal here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, LabelError
from harness.manifest import mapping_in
from harness.tasks._examples import TaskExamples
from harness.tasks._rows import plain_rows, utterance_example

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True)
class Config:
    """Which scales."""

    names: list[str] = field(default_factory=lambda: ["arousal", "valence", "dominance"])
    """In the order of the outputs; an utterance that lacks one of them is left out and counted."""


def examples(table: pd.DataFrame, config: Config) -> TaskExamples:
    """Turn a manifest's table into examples, in manifest order.

    Args:
        table: the columns of the manifest, `values` among them; one row per utterance.
        config: which scales.

    Raises:
        LabelError: no utterance has been rated on one of the scales, or on all of them.
        ConfigError: no scale is named, or one twice.
    """
    names = _checked(config.names)
    pairs = [(row, mapping_in(row["values"])) for row in plain_rows(table, ("values",))]
    rated = [(row, values) for row, values in pairs if not _missing(values, names)]
    _check_rated([values for _, values in pairs], len(rated), names)
    lacking = Counter(
        f"no {', '.join(missing)}" for _, values in pairs if (missing := _missing(values, names))
    )
    return TaskExamples(
        examples=tuple(
            utterance_example(row, "", tuple(float(values[name]) for name in names)) for row, values in rated
        ),
        classes=names,
        kind="scales",
        dropped=dict(sorted(lacking.items())),
    )


def _missing(values: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [name for name in names if not math.isfinite(values.get(name, math.nan))]


def _checked(names: Sequence[str]) -> tuple[str, ...]:
    if not names or len(set(names)) < len(names) or not all(names):
        raise ConfigError(
            "the task needs scales, each once", got=list(names), next_step="task.names=[arousal,valence]"
        )
    return tuple(names)


def _check_rated(all_values: Sequence[Mapping[str, Any]], rated: int, names: Sequence[str]) -> None:
    known = Counter(name for values in all_values for name in values)
    absent = [name for name in names if not known[name]]
    if absent or not rated:
        raise LabelError(
            f"nobody has rated {', '.join(absent)} in this corpus"
            if absent
            else "no utterance has all scales",
            got=f"of {len(all_values)} utterances: " + (_counts(known) or "none is rated on any scale"),
            wanted=", ".join(names),
            next_step=f"task.names=[{','.join(sorted(known))}]"
            if known
            else "corpus=iemocap or corpus=msppodcast; or another task",
        )


def _counts(known: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(known.items()))
