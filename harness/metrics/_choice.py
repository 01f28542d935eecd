"""Which metrics there are, and which of them a task is scored by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from harness import registry
from harness.contracts import Kind
from harness.errors import MetricError
from harness.metrics._metric import Metric


def metric_named(name: str) -> Metric:
    """The metric of that name.

    Raises:
        UnknownNameError: there is none; the message offers near names.
    """
    return cast(Metric, registry.load("metrics", name).METRIC)


def all_metrics(kind: Kind | None = None) -> dict[str, Metric]:
    """Every registered metric (that this kind of target has) by name, in alphabetical order."""
    every = (metric_named(name) for name in registry.names("metrics"))
    return {metric.name: metric for metric in every if kind is None or kind in metric.reads.kinds}


def require_metrics(names: Sequence[str]) -> None:
    """Refuse a name that no task could have, before a corpus is read.

    Raises:
        UnknownNameError: it is neither a metric nor one of a single scale.
    """
    for name in names:
        if _whole(name) is None:
            metric_named(name)


def metrics_for(names: Sequence[str] | None, kind: Kind, outputs: Sequence[str]) -> list[Metric]:
    """The metrics of a run, those of each scale beside their mean.

    Args:
        names: `ccc` gives the mean over the scales and, where there are several, `ccc_<scale>` for each; others
            give their mean alone. `ccc_<scale>`, `rmse_<scale>` give that one. None means every registered one
            that this kind has.
        kind: of the targets.
        outputs: classes, or names of the scales.

    Raises:
        UnknownNameError: a metric is not registered.
        MetricError: this kind of target does not have it, or there is no such scale.
    """
    chosen = all_metrics(kind) if names is None else names
    every = [metric for name in chosen for metric in _named(name, kind, outputs)]
    return list({metric.name: metric for metric in every}.values())


def _named(name: str, kind: Kind, outputs: Sequence[str]) -> Iterator[Metric]:
    whole = _whole(name)
    if whole is not None and kind in whole.reads.kinds:
        yield _of_scale(whole, name.removeprefix(f"{whole.name}_"), outputs)
        return
    metric = whole or metric_named(name)
    if kind not in metric.reads.kinds:
        raise MetricError(
            f"{name} cannot score targets that are {kind}",
            got=f"a metric of {', '.join(metric.reads.kinds)}",
            wanted=f"of {', '.join(all_metrics(kind))}",
            next_step="metrics=null takes those that the task asks for",
        )
    yield metric
    if metric.told_apart and len(outputs) > 1:
        yield from (metric.of(position, output) for position, output in enumerate(outputs))


def _whole(name: str) -> Metric | None:
    """The metric over all scales that a name like `ccc_arousal` belongs to."""
    if name in registry.names("metrics"):
        return None
    every = (metric for metric in all_metrics().values() if metric.per_output)
    return next((metric for metric in every if name.startswith(f"{metric.name}_")), None)


def _of_scale(metric: Metric, scale: str, outputs: Sequence[str]) -> Metric:
    if scale not in outputs:
        raise MetricError(
            f"there is no {metric.title} of {scale!r}",
            got=f"{metric.name}_{scale}",
            wanted=f"a scale of the task: {', '.join(outputs)}",
        )
    return metric.of(list(outputs).index(scale), scale)
