"""What a run prints: every fold, the fold mean as the papers report it, and the pooled figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from harness.metrics import lower_is_better, written
from harness.record import Record
from harness.shortcuts import best_shortcut, warnings


def summary(record: Record) -> str:
    """The numbers of a record as text; the same record gives the same text."""
    facts = f"{record.recipe}  {record.upstream['name']}  {record.head['name']}  ({record.about})"
    notes = [f"note: {note}" for note in record.notes]
    beside = [*shortcut_lines(record.scores, record.shortcuts), ""] if record.shortcuts else []
    return "\n".join(
        [facts, *notes, "", *score_lines(record.scores), "", *beside, *_costs(record), *_where(record)]
    )


def score_lines(scores: Mapping[str, Any]) -> Iterator[str]:
    """A table of scores, shares in percent: folds as rows, metrics as columns, then the two named figures."""
    metrics = scores["metrics"]
    yield _header("fold", metrics)
    for fold in scores["folds"]:
        yield _row(fold, metrics, [metric["per_fold"][fold] for metric in metrics.values()])
    yield _row("mean of the folds", metrics, [metric["fold_mean"] for metric in metrics.values()])
    if len(scores["folds"]) > 1:
        yield _row("  std of the folds", metrics, [metric["fold_std"] for metric in metrics.values()])
    if len(scores["seeds"]) > 1:
        yield _row("  std over seeds", metrics, [metric["seed_std"] for metric in metrics.values()])
    yield from _interval_rows(metrics, "fold_mean_interval")
    yield _row("pooled over the folds", metrics, [metric["pooled"] for metric in metrics.values()])
    yield from _interval_rows(metrics, "pooled_interval")
    lower = [name.upper() for name, metric in metrics.items() if lower_is_better(metric)]
    if lower:
        yield f"less is better: {', '.join(lower)}"


def shortcut_lines(scores: Mapping[str, Any], shortcuts: Mapping[str, Any]) -> Iterator[str]:
    """What the same folds give without a model, the run's gain over the best of it, and what to mistrust.

    Args:
        scores: of the run.
        shortcuts: as in the record.
    """
    metrics = scores["metrics"]
    yield _header("without a model", metrics)
    for entry in shortcuts.values():
        yield from _shortcut_rows(entry, metrics)
    best = best_shortcut(scores, shortcuts)
    if best is not None:
        sign = "+" if best.gain >= 0 else "-"
        gain = written(metrics[best.metric], abs(best.gain))
        yield f"gain over the best of them ({best.title}): {best.metric.upper()} {sign}{gain}"
    yield from (f"warning: {text}" for text in warnings(scores, shortcuts))


def _shortcut_rows(entry: Mapping[str, Any], metrics: Mapping[str, Any]) -> Iterator[str]:
    if entry["undefined"]:
        yield f"{entry['title']:<24}  not defined: {entry['undefined']}"
        return
    figures = [entry["metrics"].get(metric, {}) for metric in metrics]
    known = (
        "" if entry["known"] is None else f"  ({100 * entry['known']:.0f} % of the tested are in training)"
    )
    yield _row(entry["title"], metrics, [figure.get("fold_mean") for figure in figures]) + known
    yield _row("  pooled", metrics, [figure.get("pooled") for figure in figures])


def _width(metric: str) -> int:
    return max(8, len(metric))


def _header(title: str, metrics: Iterable[str]) -> str:
    return "  ".join([f"{title:<24}", *(f"{metric.upper():>{_width(metric)}}" for metric in metrics)])


def _row(title: str, metrics: Mapping[str, Any], values: Sequence[float | None]) -> str:
    texts = [
        "-" if value is None else written(metric, value)
        for metric, value in zip(metrics.values(), values, strict=True)
    ]
    cells = [f"{text:>{_width(name)}}" for name, text in zip(metrics, texts, strict=True)]
    return "  ".join([f"{title:<24}", *cells])


def _interval_rows(metrics: Mapping[str, Any], name: str) -> Iterator[str]:
    limits = [metric[name] for metric in metrics.values()]
    level = f"{100 * limits[0]['level']:.0f} %"
    yield _row(f"  {level} low", metrics, [limit["low"] for limit in limits])
    yield _row(f"  {level} high", metrics, [limit["high"] for limit in limits])
    if limits[0]["note"]:
        yield f"  ({limits[0]['note']})"


def _costs(record: Record) -> Iterator[str]:
    for phase, cost in record.timings.items():
        yield f"{phase}: {cost['wall_s']:.1f} s, {cost['peak_rss_mib']:.0f} MiB at most"
    if record.extraction:
        done = record.extraction
        yield (
            f"extracted {done['utterances']} utterances, {done['s_per_audio_s']:.4f} s per second of audio, "
            f"{100 * done['padding_share']:.1f} % padding"
        )


def _where(record: Record) -> Iterator[str]:
    select = {"dev": "the dev part", "test": "the TEST part", "last": "nothing"}[record.protocol["select"]]
    yield f"selected by {select}; protocol {record.protocol['fingerprint'][:24]}"
    yield f"record: records/{record.stem}.json under the results folder"
