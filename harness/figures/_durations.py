"""Score against duration, from the predictions of one record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from harness.errors import ConfigError
from harness.figures._records import record_named, synthetic_first
from harness.figures._write import write_figure
from harness.metrics import is_percent
from harness.plots import DurationBin, duration_figure
from harness.predictions import Predictions, read_predictions
from harness.statistics import Score, score

BINS = 6


def draw_durations(record: str, results: Path, *, metric: str = "wa", bins: int = BINS) -> str:
    """Draw the score of one recorded run in bins of equally many utterances; returns what to say.

    Raises:
        HarnessError: there is no such record or no predictions, the metric cannot score them, or the corpus
            does not say how long its utterances are.
    """
    import pandas as pd

    found = record_named(results, record)
    predictions = read_predictions(results / "predictions" / f"{found.stem}.parquet")
    whole = _score(predictions, metric)
    if not is_percent(asdict(whole)):
        raise ConfigError(
            f"{metric} is not told in percent",
            got=metric,
            wanted="a score such as wa or ua",
            next_step="metric=wa, for a run that told classes apart",
        )
    found_bins = list(duration_bins(predictions, metric, bins))
    said = f"{found.recipe} · {found.upstream['name']} · {found.head['name']}: score against duration"
    method = "bins of about as many utterances each; intervals resample speakers"
    title = [*synthetic_first([found]), said, method]
    picture = duration_figure(found_bins, 100 * whole.pooled, f"{metric.upper()} (%), pooled", title)
    table = pd.DataFrame([asdict(one) for one in found_bins]).rename(
        columns={"score": f"{metric.upper()} (%)"}
    )
    notes = [*found.notes, *sorted({note for note in [whole.pooled_interval.note] if note})]
    facts = {"title": said, "record": found.key, "notes": notes, "all": 100 * whole.pooled}
    return write_figure(f"durations--{found.stem}--{metric}", picture, table, facts, results)


def duration_bins(predictions: Predictions, metric: str, bins: int) -> Iterator[DurationBin]:
    """The utterances from short to long in bins of about as many each; equal durations are never parted.

    Args:
        predictions: of one run; an utterance counts once per seed in the score, once in the counts.
        metric: what scores each bin.
        bins: how many at most.

    Raises:
        ConfigError: fewer than one bin, or no durations.
    """
    import numpy as np

    table = predictions.table
    lengths = table.drop_duplicates("id")["duration_s"].to_numpy()
    if bins < 1 or not (lengths > 0).all():
        raise ConfigError(
            "durations cannot be put into bins",
            got=f"{bins} bins, {int((lengths <= 0).sum())} utterances without a duration",
            wanted="at least one bin, and a duration for every utterance",
            next_step="bins=6, for a run whose predictions say how long the utterances are",
        )
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    places = np.searchsorted(edges, table["duration_s"].to_numpy(), side="left")
    for place in np.unique(places):
        yield _bin(replace(predictions, table=table[places == place]), metric)


def _bin(part: Predictions, metric: str) -> DurationBin:
    scored, once = _score(part, metric), part.table.drop_duplicates("id")
    limits = scored.pooled_interval
    return DurationBin(
        first_s=float(once["duration_s"].min()),
        last_s=float(once["duration_s"].max()),
        median_s=float(once["duration_s"].median()),
        utterances=len(once),
        speakers=limits.speakers,
        score=100 * scored.pooled,
        low=None if limits.low is None else 100 * limits.low,
        high=None if limits.high is None else 100 * limits.high,
    )


def _score(part: Predictions, metric: str) -> Score:
    return score(part, metrics=[metric]).metrics[metric]
