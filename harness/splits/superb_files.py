"""SUPERB's emotion folds, read from its JSON files: `Session<k>/{train,test}_meta_data.json`.

s3prl/s3prl at ec8064b5, `s3prl/downstream/emotion/{expert.py,meta_data}`: fold k tests session k, and
`torch.manual_seed(0); random_split` cuts its train list, in the order of the file, into 80 % train and 20 %
dev. As many folds as there are session folders. `superb_er` gives the same folds without the files, and is
held against them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.contracts import Example, Fold
from harness.errors import SplitError
from harness.splits._files import read_json
from harness.splits._imported import ImportConfig, ListedFold, import_folds, import_remarks, list_folder
from harness.splits._match import Listed
from harness.splits.superb_er import random_parts

FOLDER = re.compile(r"Session(\d+)")
WANTED = "SUPERB's folder meta_data, with Session1/train_meta_data.json in it"


@dataclass(kw_only=True)
class Config(ImportConfig):
    """Settings of the importer; share and seed are SUPERB's."""


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """One fold per session folder, in the order of their numbers.

    Raises:
        SplitError: files are missing or damaged, or do not fit the examples.
        ConfigError: the folder is not set.
    """
    yield from import_folds(read_folds(list_folder(config, WANTED)), examples, config)


def remarks(examples: Sequence[Example], config: Config) -> tuple[str, ...]:
    """What does not forbid the folds but belongs into the record."""
    return import_remarks(read_folds(list_folder(config, WANTED)), examples)


def read_folds(folder: Path) -> list[ListedFold]:
    """The folds of all session folders.

    Raises:
        SplitError: there is none, or a file in it is missing or damaged.
    """
    numbers = {int(found[1]): path for path in folder.iterdir() if (found := FOLDER.fullmatch(path.name))}
    if not numbers:
        raise SplitError(
            "there are no sessions of SUPERB in split.folder",
            got=f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir())[:5]) or 'nothing'}",
            wanted=WANTED,
            next_step="split.folder=<s3prl>/s3prl/downstream/emotion/meta_data",
        )
    return [_fold(numbers[number], number) for number in sorted(numbers)]


def _fold(folder: Path, number: int) -> ListedFold:
    rest = {row.path: row for row in _rows(folder / "train_meta_data.json")}
    train, dev = random_parts(list(rest))
    return ListedFold(
        name=f"session_{number}",
        train=tuple(rest[path] for path in train),
        dev=tuple(rest[path] for path in dev),
        test=tuple(_rows(folder / "test_meta_data.json")),
    )


def _rows(path: Path) -> list[Listed]:
    rows = read_json(path, dict).get("meta_data", [])
    try:
        return [Listed(Path(row["path"]).stem, row["path"], row["label"]) for row in rows]
    except (KeyError, TypeError) as fault:
        raise SplitError(
            "a list of SUPERB cannot be read",
            got=f"{path}: a row without {fault}",
            wanted="meta_data with path, label and speaker",
            next_step="fetch s3prl's meta_data again",
        ) from fault
