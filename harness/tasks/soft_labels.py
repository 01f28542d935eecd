"""Soft labels: how the raters of an utterance divide between the classes, instead of what most of them say.

The votes come from the corpus (IEMOCAP's raters, MSP-Podcast's workers) or, as shares, from EMO-SUPERB's files.
An utterance on which nobody agrees is an example like any other. `target` is the class with the largest share, the
first of equals, for the metrics of classes; the shares themselves are the example's values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, LabelError
from harness.manifest import mapping_in
from harness.tasks._emo_superb import read_shares
from harness.tasks._examples import TaskExamples
from harness.tasks._rows import plain_rows, utterance_example
from harness.tasks._shares import largest, shares_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(kw_only=True)
class Config:
    """Which votes count, or whose files say the shares."""

    classes: list[str] | None = None
    """Classes in the order of the shares, also those that nobody votes for; null means all with votes, in
    alphabetical order."""

    merge: dict[str, str] = field(default_factory=dict)
    """Label -> the class that a vote for it counts as."""

    drop: list[str] = field(default_factory=list)
    """Labels whose votes count for nobody; an utterance without any other vote is left out and counted."""

    fewest_votes: float = 1.0
    """An utterance with fewer votes that count is left out and counted."""

    smoothing: float = 0.0
    """Share of the votes that is spread over the other classes; EMO-SUPERB's tables are made with 0.05."""

    folder: str = ""
    """EMO-SUPERB's folder of one corpus and task, whose shares and classes are taken as they are; empty: the
    corpus' own votes."""

    tables: list[int] = field(default_factory=list)
    """Numbers of its tables to read; empty: all."""


def examples(table: pd.DataFrame, config: Config) -> TaskExamples:
    """Turn a manifest's table into examples, in manifest order.

    Args:
        table: the columns of the manifest, `ratings` among them; one row per utterance.
        config: which votes count.

    Raises:
        LabelError: nobody voted, or for one class only, or for none; or EMO-SUPERB's files cannot be used.
        ConfigError: the settings contradict each other.
    """
    _check_settings(config)
    rows = plain_rows(table, ("ratings",))
    return _published(rows, config) if config.folder else _voted(rows, config)


def _voted(rows: Sequence[Mapping[str, Any]], config: Config) -> TaskExamples:
    votes = [_counted(mapping_in(row["ratings"]), config) for row in rows]
    total = Counter[str]()
    for one in votes:
        total.update(one)
    classes = tuple(config.classes if config.classes is not None else sorted(total))
    _check_classes(classes, total, len(rows))
    enough = [sum(one.get(name, 0.0) for name in classes) >= config.fewest_votes for one in votes]
    shares = [
        shares_of(one, classes, config.smoothing) if kept else None
        for one, kept in zip(votes, enough, strict=True)
    ]
    return _examples(rows, shares, classes, [_why(one) for one in votes])


def _counted(votes: Mapping[str, Any], config: Config) -> Counter[str]:
    counted = Counter[str]()
    for label, count in votes.items():
        if label not in config.drop:
            counted[config.merge.get(label, label)] += count
    return counted


def _why(votes: Mapping[str, float]) -> str:
    return "too few votes that count" if votes else "no votes"


def _published(rows: Sequence[Mapping[str, Any]], config: Config) -> TaskExamples:
    published = read_shares(config.folder, config.tables)
    stems = [PurePosixPath(row["path"]).stem for row in rows]
    twice = [stem for stem, count in Counter(stems).items() if count > 1 and stem in published.shares]
    shares = [published.shares.get(stem) for stem in stems]
    if twice or not any(shares):
        raise LabelError(
            "EMO-SUPERB's files are not about this corpus",
            got=f"{len(published.shares)} listed files, first {next(iter(published.shares), 'none')}; "
            + (f"several files here are called {twice[0]}" if twice else f"first file here {stems[0]}"),
            wanted="files of one corpus, each under its own name",
            next_step="task.folder=<EMO-SUPERB>/data/<corpus>/Primary for corpus=<corpus>",
        )
    return _examples(rows, shares, published.classes, ["not in EMO-SUPERB's tables"] * len(rows))


def _examples(
    rows: Sequence[Mapping[str, Any]],
    shares: Sequence[tuple[float, ...] | None],
    classes: tuple[str, ...],
    why: Sequence[str],
) -> TaskExamples:
    left_out = Counter(reason for one, reason in zip(shares, why, strict=True) if one is None)
    found = tuple(
        utterance_example(dict(row), largest(one, classes), one)
        for row, one in zip(rows, shares, strict=True)
        if one is not None
    )
    return TaskExamples(
        examples=found, classes=classes, kind="shares", dropped=dict(sorted(left_out.items()))
    )


def _check_classes(classes: Sequence[str], votes: Mapping[str, float], rows: int) -> None:
    if not votes:
        raise LabelError(
            "this corpus does not give the votes of its raters",
            got=f"{rows} utterances, none with votes that count",
            wanted="votes per utterance",
            next_step="corpus=iemocap, or corpus=msppodcast with its labels_detailed file; or EMO-SUPERB's "
            "shares: task.folder=<EMO-SUPERB>/data/<corpus>/Primary",
        )
    chosen = [name for name in classes if votes.get(name)]
    uncounted = sorted(set(votes) - set(classes))
    if uncounted or len(chosen) < 2:
        raise LabelError(
            f"votes for {', '.join(uncounted)} are neither a class nor dropped"
            if uncounted
            else f"all votes are for {', '.join(chosen) or 'no class'}: nothing can be told apart",
            got=f"votes {dict(sorted(votes.items()))}",
            wanted=f"two classes or more with votes, and a place for every vote; classes {', '.join(classes)}",
            next_step="say what becomes of them: task.classes, task.merge={LABEL: CLASS}, task.drop=[LABEL]",
        )


def _check_settings(config: Config) -> None:
    """Report all contradictions at once."""
    classes = config.classes or []
    faults = [f"{name} is both dropped and merged" for name in config.drop if name in config.merge]
    faults += [
        f"{name} is a class and dropped or merged"
        for name in classes
        if name in {*config.drop, *config.merge}
    ]
    faults += [f"{name} is listed twice in classes" for name, count in Counter(classes).items() if count > 1]
    if not 0 <= config.smoothing < 1:
        faults.append(f"smoothing {config.smoothing} is no share below 1")
    if config.folder and (config.classes is not None or config.merge or config.drop or config.smoothing):
        faults.append(
            "folder has its own classes and smoothing; classes, merge, drop and smoothing do nothing"
        )
    if config.tables and not config.folder:
        faults.append("tables are numbers of files in folder, which is not set")
    if faults:
        raise ConfigError(
            "the task's settings contradict each other",
            got="; ".join(faults),
            wanted="votes of the corpus, every label once; or EMO-SUPERB's files as they are",
            next_step="mend the settings of the task",
        )
