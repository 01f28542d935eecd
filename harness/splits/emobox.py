"""EmoBox's own folds, read from its files: `fold_k/<corpus>_{train,valid,test}_fold_k.json` or `.jsonl`.

emo-box/EmoBox at 08280f2, `data/<corpus>/` (arXiv 2406.07162). The JSON holds a mapping from key to row, the
JSON lines one row each; some corpora carry two spellings (`fold1`, `fold_1`), and whatever is there has to
agree. Only MELD, M3ED and MSP-Podcast come with a valid list. For the others the paper takes 80 / 20 of
train, and the published code does not run (`split_sets`), so that share and draw are ours: 20 %, seeded. The
raw labels are compared with ours, and a label map that does not know them is told.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contracts import Example, Fold
from harness.errors import SplitError
from harness.splits._config import check_share
from harness.splits._files import read_json, read_json_lines
from harness.splits._imported import ImportConfig, ListedFold, import_folds, import_remarks, list_folder
from harness.splits._match import Listed

FOLDER = re.compile(r"fold_?(\d+)")
FILE = re.compile(r"(?P<corpus>.+)_(?P<part>train|valid|test)_fold_?(?P<number>\d+)\.jsonl?")
WANTED = "EmoBox's folder of one corpus (data/<corpus>), with fold_1/<corpus>_train_fold_1.json in it"


@dataclass(kw_only=True)
class Config(ImportConfig):
    """Settings of the importer."""

    dev_share: float = 0.2
    """Share of train that becomes dev where there is no valid list."""

    seed: int = 0
    """Draws it."""


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """EmoBox's folds in the order of their numbers.

    Raises:
        SplitError: files are missing, damaged or contradict each other, or do not fit the examples.
        ConfigError: the folder is not set, or `dev_share` is no share.
    """
    check_share(config.dev_share)
    folds = read_folds(list_folder(config, WANTED))
    yield from import_folds(folds, examples, config, dev_share=config.dev_share, seed=config.seed)


def remarks(examples: Sequence[Example], config: Config) -> tuple[str, ...]:
    """What does not forbid the folds but belongs into the record."""
    folder = list_folder(config, WANTED)
    folds = read_folds(folder)
    return (*import_remarks(folds, examples), *_map_remarks(folder, folds))


def read_folds(folder: Path) -> list[ListedFold]:
    """All folds of one corpus.

    Raises:
        SplitError: there is no fold, a list is missing, or two files of one list differ.
    """
    numbers = {int(found[1]): path for path in folder.iterdir() if (found := FOLDER.fullmatch(path.name))}
    if not numbers:
        raise SplitError(
            "there are no folds of EmoBox in split.folder",
            got=f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir())[:5]) or 'nothing'}",
            wanted=WANTED,
            next_step="split.folder=<EmoBox>/data/<corpus>",
        )
    return [_fold(numbers[number], number) for number in sorted(numbers)]


def _fold(folder: Path, number: int) -> ListedFold:
    lists = {part: _one_list(paths) for part, paths in _files(folder, number).items()}
    for part in ("train", "test"):
        if part not in lists:
            raise SplitError(
                f"EmoBox's {part} list of fold {number} is missing",
                got=", ".join(sorted(path.name for path in folder.iterdir())) or "an empty folder",
                wanted=f"<corpus>_{part}_fold_{number}.json or .jsonl in {folder}",
                next_step="fetch emo-box/EmoBox again; its large files are kept by Git LFS",
            )
    return ListedFold(name=f"fold_{number}", train=lists["train"], dev=lists.get("valid"), test=lists["test"])


def _files(folder: Path, number: int) -> dict[str, list[Path]]:
    """Part -> its files in all spellings; the JSON first, for it holds the paths even where the lines do not."""
    files: dict[str, list[Path]] = defaultdict(list)
    corpora = set()
    for path in sorted(folder.iterdir()):
        found = FILE.fullmatch(path.name)
        if found and int(found["number"]) == number:
            files[found["part"]].append(path)
            corpora.add(found["corpus"])
    if len(corpora) > 1:
        raise SplitError(
            f"{folder.name} holds the lists of several corpora",
            got=", ".join(sorted(corpora)),
            wanted=WANTED,
            next_step="put each corpus into a folder of its own",
        )
    return files


def _one_list(paths: Sequence[Path]) -> tuple[Listed, ...]:
    lists = [_read(path) for path in paths]
    keys = [{row.key for row in rows} for rows in lists]
    for path, other in zip(paths, keys, strict=True):
        if other != keys[0]:
            odd = sorted(other ^ keys[0])
            raise SplitError(
                "two files of one list differ",
                got=f"{paths[0].name} and {path.name}: {len(odd)} keys in one of them only, first {odd[0]}",
                wanted="the same keys in both",
                next_step="keep the one that is right",
            )
    return lists[0]


def _read(path: Path) -> tuple[Listed, ...]:
    if path.suffix == ".json":
        rows = [{**row, "key": key} for key, row in read_json(path, dict).items()]
    else:
        rows = read_json_lines(path)
    found = FILE.fullmatch(path.name)
    try:
        return tuple(_listed(row, found["corpus"] if found else "") for row in rows)
    except (KeyError, TypeError, AttributeError) as fault:
        raise SplitError(
            "a list of EmoBox cannot be read",
            got=f"{path}: a row without {fault}",
            wanted="rows with key, wav and emo",
            next_step="fetch emo-box/EmoBox again",
        ) from fault


def _listed(row: Mapping[str, Any], corpus: str) -> Listed:
    """EmoDB's older lines say `audio` and `label` for `wav` and `emo`."""
    return Listed(
        key=str(row["key"]).removeprefix(f"{row.get('dataset', corpus)}-"),
        path=str(row.get("wav") or row.get("audio") or ""),
        label=str(row.get("emo") or row.get("label") or ""),
    )


def _map_remarks(folder: Path, folds: Sequence[ListedFold]) -> list[str]:
    path = folder / "label_map.json"
    if not path.is_file():
        return []
    known = read_json(path, dict)
    labels = sorted({row.label for fold in folds for row in fold.rows if row.label})
    strange = [label for label in labels if label not in known]
    return [f"EmoBox's label_map.json does not know its own label {', '.join(strange)}"] if strange else []
