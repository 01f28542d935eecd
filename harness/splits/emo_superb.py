"""EMO-SUPERB's partitions, read from its files: `labels_consensus_<k>.csv` and `config.json`.

EMOsuperb/EMO-SUPERB-submission at 4167e30, `data/<corpus>/{Primary,Secondary}/`. The columns `FileName` and
`Split_Set` are read; `config.json` says under `data_split_type` how train, dev and test are called there.
Only the partitions are taken: the table's labels are shares of the raters' votes, to be scored as several
labels at once (those above one over the number of classes), while a task here has one label per utterance.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.contracts import Example, Fold
from harness.errors import SplitError
from harness.splits._files import read_json, read_table
from harness.splits._imported import ImportConfig, ListedFold, import_folds, import_remarks, list_folder
from harness.splits._match import Listed

FILE = re.compile(r"labels_consensus(?:_(\d+))?\.csv")
PARTS = ("train", "dev", "test")
WANTED = "EMO-SUPERB's folder of one corpus and task, with labels_consensus_1.csv and config.json in it"


@dataclass(kw_only=True)
class Config(ImportConfig):
    """Settings of the importer."""

    tables: list[int] = field(default_factory=list)
    """Numbers of the tables to read; empty: all. Older commits hold, after the partitions themselves, the same
    ones once more with labels that a language model added to, for a part of the files."""


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """EMO-SUPERB's partitions in the order of their numbers.

    Raises:
        SplitError: files are missing or damaged, a part is unknown, or they do not fit the examples.
        ConfigError: the folder is not set.
    """
    yield from import_folds(read_folds(list_folder(config, WANTED), config.tables), examples, config)


def remarks(examples: Sequence[Example], config: Config) -> tuple[str, ...]:
    """What does not forbid the folds but belongs into the record."""
    return import_remarks(read_folds(list_folder(config, WANTED), config.tables), examples)


def read_folds(folder: Path, numbers: Sequence[int] = ()) -> list[ListedFold]:
    """The partitions of one corpus.

    Args:
        folder: where they lie.
        numbers: those to read; none: all.

    Raises:
        SplitError: a file is missing or damaged, a row is in no part that `config.json` names, or two tables test
            the same files.
    """
    tables = sorted(
        (int(found[1] or 0), path) for path in folder.iterdir() if (found := FILE.fullmatch(path.name))
    )
    if not tables:
        raise SplitError(
            "there are no partitions of EMO-SUPERB in split.folder",
            got=f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir())[:5]) or 'nothing'}",
            wanted=WANTED,
            next_step="split.folder=<EMO-SUPERB>/data/<corpus>/Primary",
        )
    _check_numbers(numbers, [number for number, _ in tables])
    names = _part_names(folder / "config.json")
    folds = [
        _fold(f"fold_{number}" if number else "official", path, names)
        for number, path in tables
        if not numbers or number in numbers
    ]
    _check_once(folds)
    return folds


def _check_numbers(numbers: Sequence[int], there: Sequence[int]) -> None:
    absent = [number for number in numbers if number not in there]
    if absent:
        raise SplitError(
            "split.tables names partitions that are not there",
            got=absent,
            wanted=f"of {', '.join(map(str, there))}",
            next_step="mend split.tables, or leave it out for all",
        )


def _check_once(folds: Sequence[ListedFold]) -> None:
    """A file is tested by one table only; the tables of older commits repeat themselves."""
    tested: dict[Listed, str] = {}
    for fold in folds:
        for row in fold.test:
            if tested.setdefault(row, fold.name) != fold.name:
                raise SplitError(
                    f"{tested[row]} and {fold.name} test the same files",
                    got=f"{len(folds)} tables, first {row.key}",
                    wanted="partitions that test each file once",
                    next_step="older commits hold them again with other labels: split.tables=[1,2,3,4,5]",
                )


def _part_names(path: Path) -> dict[str, str]:
    """Their name of a part -> ours."""
    found = read_json(path, dict).get("data_split_type")
    if not isinstance(found, Mapping) or set(found) != set(PARTS):
        raise SplitError(
            "config.json does not name the three parts",
            got=f"{path}: data_split_type is {found!r}",
            wanted="a name for each of train, dev and test",
            next_step="fetch EMO-SUPERB's partitions again",
        )
    return {str(theirs): ours for ours, theirs in found.items()}


def _fold(name: str, path: Path, names: Mapping[str, str]) -> ListedFold:
    rows = read_table(path, ("FileName", "Split_Set"))
    strange = Counter(row["Split_Set"] for row in rows if row["Split_Set"] not in names)
    if strange:
        raise SplitError(
            f"{path.name} has rows in parts that config.json does not name",
            got=dict(strange),
            wanted=f"one of {', '.join(names)}",
            next_step="name the part in config.json, or take the rows out of a copy of the table",
        )
    parts: dict[str, list[Listed]] = {part: [] for part in PARTS}
    for row in rows:
        parts[names[row["Split_Set"]]].append(Listed(key=row["FileName"], path=row["FileName"]))
    lists = {part: tuple(listed) for part, listed in parts.items()}
    return ListedFold(name=name, **lists)
