"""Folds that others have published as lists of files: which example is meant, and what did not fit.

An importer reads somebody's files into `ListedFold`s; the rest is the same for all of them and happens here.
Nothing is dropped silently: a row without an example, or an example without a row, is an error unless a
setting says that it may be, and then it is told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from harness.contracts import Example, Fold
from harness.errors import ConfigError, SplitError
from harness.splits._config import SplitConfig
from harness.splits._match import Listed, Matches, match
from harness.splits._parts import draw_dev

NAMED_IN_MESSAGE = 3


@dataclass(frozen=True, kw_only=True)
class ListedFold:
    """One fold as its publishers list it."""

    name: str
    train: tuple[Listed, ...]
    test: tuple[Listed, ...]
    dev: tuple[Listed, ...] | None = None
    """None where the publishers give no dev list."""

    @property
    def rows(self) -> tuple[Listed, ...]:
        """Every row of the fold."""
        return (*self.train, *(self.dev or ()), *self.test)


@dataclass(kw_only=True)
class ImportConfig(SplitConfig):
    """Settings that all importers share."""

    folder: str = ""
    """Where the published files lie."""

    missing: Literal["stop", "skip"] = "stop"
    """What to do about listed files that no example answers: the copy lacks them, or the task drops them."""

    unlisted: Literal["stop", "skip"] = "stop"
    """What to do about examples that no list names: publishers leave files out."""

    tests_everything: ClassVar[bool] = False
    dev_shares_speakers: ClassVar[bool] = True
    names_publication: ClassVar[bool] = True


def list_folder(config: ImportConfig, wanted: str) -> Path:
    """The folder of the published files.

    Args:
        config: the settings.
        wanted: what should lie in it, for the message.

    Raises:
        ConfigError: none is set, or it does not exist.
    """
    folder = Path(config.folder).expanduser()
    if not config.folder or not folder.is_dir():
        raise ConfigError(
            "split.folder is not set" if not config.folder else "split.folder is no folder",
            got=config.folder or None,
            wanted=wanted,
            next_step="split.folder=/path/to/the/published/lists",
        )
    return folder


def import_folds(
    listed: Sequence[ListedFold],
    examples: Sequence[Example],
    config: ImportConfig,
    *,
    dev_share: float = 0.0,
    seed: int = 0,
) -> Iterator[Fold]:
    """Folds of our examples, in the order of the lists.

    Args:
        listed: what was read.
        examples: all examples of the task.
        config: the settings of the importer.
        dev_share: share of train that becomes dev where a fold has no dev list; 0 takes none out.
        seed: draws that share.

    Raises:
        SplitError: rows and examples do not fit, and no setting says that they need not.
    """
    matches = match((row for fold in listed for row in fold.rows), examples)
    _check(matches, _unlisted(matches, examples), len(examples), config)
    for index, fold in enumerate(listed):
        train, dev, test = (_ids(rows, matches) for rows in (fold.train, fold.dev or (), fold.test))
        if not config.wants_dev:
            train, dev = train | dev, frozenset()
        elif fold.dev is None and dev_share:
            dev = draw_dev(train, share=dev_share, seed=seed, fold=index)
            train -= dev
        yield _fold(fold.name, examples, train, dev, test)


def _fold(name: str, examples: Sequence[Example], *parts: frozenset[str]) -> Fold:
    """The parts as they are listed, each in the order of the examples; what is in two of them stays in both."""
    train, dev, test = (tuple(e.id for e in examples if e.id in part) for part in parts)
    return Fold(name, train=train, dev=dev, test=test)


def import_remarks(listed: Sequence[ListedFold], examples: Sequence[Example]) -> tuple[str, ...]:
    """What does not forbid the folds but belongs into the record: rows and examples left out, other labels."""
    matches = match((row for fold in listed for row in fold.rows), examples)
    unlisted = _unlisted(matches, examples)
    said = []
    if matches.unknown:
        said.append(f"{len(matches.unknown)} listed files have no example here: {_first(matches.unknown)}")
    if unlisted:
        said.append(f"{len(unlisted)} of {len(examples)} examples are in no list: {_some(unlisted)}")
    return (*said, *_label_remarks(matches, examples))


def _label_remarks(matches: Matches, examples: Sequence[Example]) -> list[str]:
    """Rows whose label is not what that label mostly is here; spellings need not be known for it."""
    targets = {example.id: example.target for example in examples}
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for row, id_ in matches.ids.items():
        seen[row.label][targets[id_]] += 1
    usual = {label: counts.most_common(1)[0][0] for label, counts in seen.items()}
    others = [row for row, id_ in matches.ids.items() if row.label and targets[id_] != usual[row.label]]
    if not others:
        return []
    return [f"{len(others)} of {len(matches.ids)} listed labels differ from those here: {_first(others)}"]


def _ids(rows: Iterable[Listed], matches: Matches) -> frozenset[str]:
    return frozenset(matches.ids[row] for row in rows if row in matches.ids)


def _unlisted(matches: Matches, examples: Sequence[Example]) -> list[str]:
    listed = set(matches.ids.values())
    return [example.id for example in examples if example.id not in listed]


def _check(matches: Matches, unlisted: Sequence[str], count: int, config: ImportConfig) -> None:
    rows = len(matches.ids) + len(matches.unknown) + len(matches.ambiguous)
    if matches.ambiguous:
        raise SplitError(
            "listed files cannot be told apart here",
            got=f"{len(matches.ambiguous)} of {rows} fit several examples or share one: "
            f"{_first(matches.ambiguous)}",
            wanted="one example for each listed file, and one listed file for each example",
            next_step="read the corpus in the layout of its owners, and the lists of this corpus",
        )
    if matches.unknown and (config.missing == "stop" or not matches.ids):
        raise SplitError(
            "the lists name files that have no example here",
            got=f"{len(matches.unknown)} of {rows} listed files: {_first(matches.unknown)}",
            wanted=f"one of the {count} examples for each",
            next_step="read the whole corpus with the labels that the lists use, or say that they may be missing: "
            "split.missing=skip",
        )
    if unlisted and config.unlisted == "stop":
        raise SplitError(
            "examples are in none of the lists",
            got=f"{len(unlisted)} of {count} examples: {_some(unlisted)}",
            wanted=f"each among the {rows} listed files",
            next_step="drop them in the task, or say that the publishers left files out: split.unlisted=skip",
        )


def _first(rows: Sequence[Listed]) -> str:
    return _some([row.key or row.path for row in rows])


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED_IN_MESSAGE]) + (", ..." if len(names) > NAMED_IN_MESSAGE else "")
