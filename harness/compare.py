"""`compare`: two recorded runs, or two groups of them, and whether their difference is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness import record as records
from harness.errors import ConfigError
from harness.metrics import metrics_for
from harness.paired import Comparison, Gain, check_same, compare
from harness.predictions import Predictions, read_predictions
from harness.record import Record


def compare_records(
    before: Sequence[str],
    after: Sequence[str],
    *,
    results: Path,
    metrics: Sequence[str] | None = None,
    resamples: int = 2000,
) -> str:
    """Two sides as a table of text: both scores, their difference and its paired interval.

    Args:
        before: stems or upstreams of records; a stem may be cut short as long as it names one record.
        after: the same for the other side; the runs of a side are averaged.
        results: the results folder.
        metrics: names; None means those of the first run.
        resamples: draws of speakers behind every interval.

    Raises:
        ConfigError: a name fits no record, or several.
        MetricError: the runs did not predict the same examples.
    """
    known = records.load_all(results)
    sides = [[_named(name, known, results) for name in side] for side in (before, after)]
    read = [[_predictions(record, results) for record in side] for side in sides]
    check_same(read[0], read[1])
    first = read[0][0]
    chosen = metrics_for(metrics or list(sides[0][0].scores["metrics"]), first.kind, first.classes)
    found = [compare(read[0], read[1], metric, resamples=resamples) for metric in chosen]
    return "\n".join([*_heads(sides), "", *_table(found), "", _how(found[0])])


def _named(name: str, known: Sequence[Record], results: Path) -> Record:
    exact = [record for record in known if record.stem == name]
    fitting = exact or [record for record in known if record.stem.startswith(name)]
    if len(fitting) != 1:
        near = ", ".join(record.stem for record in fitting[:5])
        raise ConfigError(
            f"{name} names {len(fitting) or 'no'} records",
            got=near or f"nothing that begins so under {results / 'records'}",
            wanted="the beginning of one record's name, as `run` prints it",
            next_step="give more letters of the name" if fitting else "ls results/records",
        )
    return fitting[0]


def _predictions(record: Record, results: Path) -> Predictions:
    return read_predictions(results / "predictions" / f"{record.stem}.parquet")


def _heads(sides: Sequence[Sequence[Record]]) -> list[str]:
    lines = []
    for title, side in zip(("before", "after"), sides, strict=True):
        lines += [f"{title:<7}{record.stem}" for record in side]
    notes = dict.fromkeys(note for side in sides for record in side for note in record.notes)
    return [*lines, *(f"note: {note}" for note in notes)]


def _table(found: Sequence[Comparison]) -> list[str]:
    head = f"{'':<26}{'before':>9}{'after':>9}{'difference':>12}   interval"
    rows = [_row(one, title, gain) for one in found for title, gain in _gains(one)]
    return [head, *rows]


def _gains(one: Comparison) -> list[tuple[str, Gain]]:
    return [("mean of the folds", one.fold_mean), ("pooled", one.pooled)]


def _row(one: Comparison, title: str, gain: Gain) -> str:
    scale, digits = (100, 2) if one.metric.percent else (1, 3)
    before, after, difference = (scale * value for value in (gain.before, gain.after, gain.difference))
    name = f"{one.metric.title}, {title}"
    text = f"{name:<26}{before:>9.{digits}f}{after:>9.{digits}f}{difference:>+12.{digits}f}"
    if gain.low is None or gain.high is None:
        return f"{text}   one speaker: no interval"
    limits = f"{scale * gain.low:+.{digits}f} to {scale * gain.high:+.{digits}f}"
    return f"{text}   {limits}{_verdict(one, gain)}"


def _verdict(one: Comparison, gain: Gain) -> str:
    if not gain.sure:
        return "   no difference that is sure"
    better = (gain.difference < 0) == one.metric.lower_is_better
    return f"   {'better' if better else 'worse'}"


def _how(one: Comparison) -> str:
    return (
        f"{100 * one.level:.0f} % of {one.resamples} draws of {one.speakers} speakers, the same for both sides; "
        "runs of one side are averaged"
    )
