"""Utterance emotion: one example per labelled utterance, its canonical label (or what it is merged into)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from harness.errors import ConfigError, LabelError, did_you_mean
from harness.tasks._examples import TaskExamples
from harness.tasks._rows import plain_rows, utterance_example
from harness.tasks._shared import shared_labels
from harness.tasks._views import Labels, seen_as

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True)
class Config:
    """Every label that the view keeps has to be named: as a class, merged into one, or dropped."""

    view: Literal["canonical", "raw", "paper", "emobox", "big4", "emotion2vec9"] = "canonical"
    """How labels are seen before anything else: `harness/tasks/_views.py` says what each does."""

    classes: list[str] | None = None
    """Classes in the order of the logits; null means all that are there, in alphabetical order."""

    merge: dict[str, str] = field(default_factory=dict)
    """Label, as the view shows it -> the class it is counted as."""

    drop: list[str] = field(default_factory=list)
    """Labels, as the view shows them, that are no target; every dropped row is counted."""


def examples(table: pd.DataFrame, config: Config) -> TaskExamples:
    """Turn a manifest's table into examples, in manifest order.

    Args:
        table: columns `COLUMNS` of `_rows`; one row per utterance.
        config: what the labels become.

    Raises:
        LabelError: a label is neither a class nor merged nor dropped, a class has no example, or fewer than
            two classes are left.
        ConfigError: the settings contradict each other.
    """
    _check_settings(config)
    rows = plain_rows(table)
    seen = [seen_as(config.view, Labels(row["corpus"], row["label_raw"], row["label"])) for row in rows]
    counts = Counter(label for label in seen if label is not None)
    classes = _classes(counts, config)
    targets = {label: config.merge.get(label, label) for label in counts if label not in config.drop}
    _check_targets(targets, counts, classes)
    pairs = list(zip(rows, seen, strict=True))
    dropped = Counter(row["label"] for row, label in pairs if label not in targets)
    return TaskExamples(
        examples=tuple(utterance_example(row, targets[label]) for row, label in pairs if label in targets),
        classes=classes,
        dropped=dict(sorted(dropped.items())),
    )


def over_shared_labels(table: pd.DataFrame, config: Config) -> Config:
    """The settings under which several corpora have the same classes; everything else is dropped and counted.

    A label that a corpus module does not know is not dropped: `examples` refuses it as always.

    Args:
        table: columns `COLUMNS` of `_rows`, rows of several corpora.
        config: its view, merges, drops and classes are kept as far as they lead to shared classes.

    Raises:
        LabelError: the corpora share fewer than two labels, or not one that is named.
        ConfigError: the settings contradict each other.
    """
    _check_settings(config)
    seen: dict[str, set[str]] = {}
    for row in plain_rows(table):
        label = seen_as(config.view, Labels(row["corpus"], row["label_raw"], row["label"]))
        known = seen.setdefault(row["corpus"], set())
        known |= {label} if label is not None and label not in config.drop else set()
    named = {corpus: {config.merge.get(label, label) for label in labels} for corpus, labels in seen.items()}
    classes = shared_labels(named, config.classes)
    strays = {
        label
        for labels in seen.values()
        for label in labels - {""}
        if config.merge.get(label, label) not in classes
    }
    merge = {label: target for label, target in config.merge.items() if target in classes}
    return replace(config, classes=list(classes), merge=merge, drop=sorted(strays | set(config.drop)))


def _classes(labels: Iterable[str], config: Config) -> tuple[str, ...]:
    if config.classes is not None:
        return tuple(config.classes)
    return tuple(
        sorted({config.merge.get(label, label) for label in labels if label and label not in config.drop})
    )


def _check_targets(targets: dict[str, str], counts: Counter[str], classes: tuple[str, ...]) -> None:
    for label, target in targets.items():
        if target not in classes:
            raise _unknown(label, counts[label], classes)
    absent = [name for name in classes if name not in targets.values()]
    if absent or len(classes) < 2:
        raise LabelError(
            f"class {', '.join(absent)} has no example in this corpus" if absent else "one class is no task",
            got=f"labels {dict(sorted(counts.items()))}",
            wanted="two classes or more, each with an example",
            next_step="take the class out of task.classes, or read the whole corpus",
        )


def _unknown(label: str, count: int, classes: tuple[str, ...]) -> LabelError:
    return LabelError(
        f"the task does not know the label {label!r}",
        got=f"{count} utterance(s) with it",
        wanted=did_you_mean(label, classes),
        next_step=f"say what it is: task.drop=[...,{label}], task.merge={{{label}: <class>}} or task.classes",
    )


def _check_settings(config: Config) -> None:
    """Report all contradictions between the three settings at once."""
    classes = config.classes
    faults = [f"{name} is both dropped and merged" for name in config.drop if name in config.merge]
    if classes is not None:
        faults += [f"{name} is a class and dropped" for name in classes if name in config.drop]
        faults += [f"{name} is a class and merged" for name in classes if name in config.merge]
        faults += [f"{name} is listed twice in classes" for name, n in Counter(classes).items() if n > 1]
        faults += [f"{a} is merged into {b}, no class" for a, b in config.merge.items() if b not in classes]
    else:
        faults += [f"{a} is merged into {b}, dropped" for a, b in config.merge.items() if b in config.drop]
        faults += [
            f"{a} is merged into {b}, itself merged" for a, b in config.merge.items() if b in config.merge
        ]
    if faults:
        raise ConfigError(
            "the task's settings contradict each other",
            got="; ".join(faults),
            wanted="each label once: a class, merged into a class, or dropped",
            next_step="mend task.classes, task.merge and task.drop",
        )
