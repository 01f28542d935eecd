"""Sentiment: negative or positive, from a score (CMU-MOSI, CMU-MOSEI) or the owners' own label (MELD).

A score above zero is positive, one below is negative. Zero is neither: emotion2vec's Table 7 (arXiv 2312.15185)
and MERBench (MERTools @ 89120b78, `MERBench/toolkit/dataloader/cmudata.py`) do not score it; here it is left out
of train, dev and test, and counted. Non-zero segments of the official parts: CMU-MOSI 1,231 / 216 / 656, CMU-MOSEI
12,786 / 1,438 / 3,634. The score rides along as the example's value, for heads that learn it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from harness.errors import LabelError
from harness.manifest import mapping_in
from harness.tasks._examples import TaskExamples
from harness.tasks._rows import plain_rows, utterance_example

if TYPE_CHECKING:
    import pandas as pd

NAME = "sentiment"
"""Of the value and of the further label that a corpus gives."""
NEUTRAL = "neutral"
SIGNS = ("negative", NEUTRAL, "positive")
DIGITS = 6
"""What label files carry (thirds and sixths of a point): a score that rounds to zero in them is zero."""


@dataclass(kw_only=True)
class Config:
    """What becomes of those who say neither."""

    neutral: Literal["drop", "keep"] = "drop"
    """`drop`: left out everywhere and counted. `keep`: a class of its own, between the other two."""


class Sentiment(NamedTuple):
    """What a corpus says of an utterance."""

    name: str
    """One of `SIGNS`, or something else where it is unknown."""
    score: float | None
    """In the owners' unit; None where they give a label only."""


def examples(table: pd.DataFrame, config: Config) -> TaskExamples:
    """Turn a manifest's table into examples, in manifest order.

    Args:
        table: the columns of the manifest, `labels` and `values` among them; one row per utterance.
        config: what becomes of neutral ones.

    Raises:
        LabelError: the corpus does not say the sentiment of an utterance, or a class has no example.
    """
    pairs = [(row, _sentiment(row)) for row in plain_rows(table, ("labels", "values"))]
    _check_known(pairs)
    classes = SIGNS if config.neutral == "keep" else tuple(name for name in SIGNS if name != NEUTRAL)
    counts = Counter(said.name for _, said in pairs)
    _check_classes(classes, counts)
    return TaskExamples(
        examples=tuple(
            utterance_example(row, said.name, () if said.score is None else (said.score,))
            for row, said in pairs
            if said.name in classes
        ),
        classes=classes,
        dropped={name: count for name, count in counts.items() if name not in classes},
    )


def _sentiment(row: Mapping[str, Any]) -> Sentiment:
    """The score where there is one, else the label."""
    score = mapping_in(row["values"]).get(NAME)
    if score is None:
        return Sentiment(str(mapping_in(row["labels"]).get(NAME, "")), None)
    value = round(float(score), DIGITS) + 0.0 if math.isfinite(score) else math.nan
    return Sentiment(_sign(value), value)


def _sign(score: float) -> str:
    if math.isnan(score):
        return str(score)
    return NEUTRAL if score == 0 else SIGNS[0] if score < 0 else SIGNS[2]


def _check_known(pairs: list[tuple[dict[str, Any], Sentiment]]) -> None:
    strange = [(row, said) for row, said in pairs if said.name not in SIGNS]
    if strange:
        row, said = strange[0]
        corpus = row["corpus"] or "the corpus"
        raise LabelError(
            f"{corpus} does not say the sentiment of every utterance",
            got=f"{len(strange)} of {len(pairs)} without, first {row['id']}: {said.name or 'nothing'}",
            wanted=f"a score, or one of {', '.join(SIGNS)}",
            next_step="corpus=mosi, corpus=mosei or corpus=meld, as their owners distribute them; or another task",
        )


def _check_classes(classes: tuple[str, ...], counts: Mapping[str, int]) -> None:
    absent = [name for name in classes if not counts.get(name)]
    if absent:
        raise LabelError(
            f"class {', '.join(absent)} has no example in this corpus",
            got=f"counts {dict(sorted(counts.items()))}",
            wanted=f"an example of each of {', '.join(classes)}",
            next_step="read the whole corpus" + (", or task.neutral=drop" if absent == [NEUTRAL] else ""),
        )
