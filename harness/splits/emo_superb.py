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
from dataclasses import dataclass
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


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """EMO-SUPERB's partitions in the order of their numbers.

    Raises:
        SplitError: files are missing or damaged, a part is unknown, or they do not fit the examples.
        ConfigError: the folder is not set.
    """
    yield from import_folds(read_folds(list_folder(config, WANTED)), examples, config)


def remarks(examples: Sequence[Example], config: Config) -> tuple[str, ...]:
    """What does not forbid the folds but belongs into the record."""
    return import_remarks(read_folds(list_folder(config, WANTED)), examples)


def read_folds(folder: Path) -> list[ListedFold]:
    """All partitions of one corpus.

    Raises:
        SplitError: a file is missing or damaged, or a row is in no part that `config.json` names.
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
    names = _part_names(folder / "config.json")
    return [_fold(f"fold_{number}" if number else "official", path, names) for number, path in tables]


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
