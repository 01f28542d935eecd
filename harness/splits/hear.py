"""A HEAR task folder: `task_metadata.json`, `labelvocabulary.csv` and one JSON per part, file name -> [label].

hearbenchmark/hear-preprocess and hear-eval-kit (`heareval/predictions/task_predictions.py`,
`data_splits_from_folds`): with `split_mode` `new_split_kfold` or `presplit_kfold` the sorted folds are
`fold00.json` and so on, fold k is tested, the next one (after the last the first) is dev, all others train;
with `trainvaltest` there is one fold of `train.json`, `valid.json` and `test.json`. Only scene tasks with one
label per file are emotions of utterances. HEAR's CREMA-D comes from TensorFlow Datasets and its file names
are running numbers of that package, not those of the corpus: such a folder needs `names`, a table that says
which is which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.contracts import Example, Fold
from harness.errors import SplitError
from harness.splits._files import read_json, read_table
from harness.splits._imported import ImportConfig, ListedFold, import_folds, import_remarks, list_folder
from harness.splits._match import Listed

KFOLD = ("new_split_kfold", "presplit_kfold")
THREE_PARTS = "trainvaltest"
WANTED = (
    "a HEAR task folder, with task_metadata.json, labelvocabulary.csv and fold00.json or train.json in it"
)


@dataclass(kw_only=True)
class Config(ImportConfig):
    """Settings of the importer."""

    names: str = ""
    """CSV with columns file and utterance, where HEAR's file names are not those of the corpus."""


def split(examples: list[Example], config: Config) -> Iterator[Fold]:
    """HEAR's folds, in the order of their names.

    Raises:
        SplitError: files are missing or damaged, this is another kind of task, or they do not fit the examples.
        ConfigError: the folder is not set.
    """
    yield from import_folds(_read(config), examples, config)


def remarks(examples: Sequence[Example], config: Config) -> tuple[str, ...]:
    """What does not forbid the folds but belongs into the record."""
    return import_remarks(_read(config), examples)


def _read(config: Config) -> list[ListedFold]:
    names = Path(config.names).expanduser() if config.names else None
    return read_folds(list_folder(config, WANTED), names)


def read_folds(folder: Path, names: Path | None = None) -> list[ListedFold]:
    """All folds of a task.

    Args:
        folder: the task folder.
        names: table of other names for its files.

    Raises:
        SplitError: a file is missing or damaged, a label is in no vocabulary, or this is another kind of task.
    """
    task = read_json(folder / "task_metadata.json", dict)
    _check_kind(task)
    known = {row["label"] for row in read_table(folder / "labelvocabulary.csv", ("idx", "label"))}
    renamed = {} if names is None else _renamed(names)
    parts = {name: _part(folder / f"{name}.json", known, renamed) for name in _part_names(task)}
    if task["split_mode"] == THREE_PARTS:
        return [ListedFold(name="test", train=parts["train"], dev=parts["valid"], test=parts["test"])]
    return _kfold(parts)


def _kfold(parts: Mapping[str, tuple[Listed, ...]]) -> list[ListedFold]:
    """Each part is tested once, the next one is dev."""
    ordered = sorted(parts)
    following = dict(zip(ordered, [*ordered[1:], ordered[0]], strict=True))
    return [
        ListedFold(
            name=name,
            train=tuple(
                row for other in ordered if other not in (name, following[name]) for row in parts[other]
            ),
            dev=parts[following[name]],
            test=parts[name],
        )
        for name in ordered
    ]


def _check_kind(task: Mapping[str, Any]) -> None:
    kind = {name: task.get(name) for name in ("embedding_type", "prediction_type", "split_mode")}
    modes = (*KFOLD, THREE_PARTS)
    if kind["embedding_type"] != "scene" or kind["prediction_type"] != "multiclass":
        raise SplitError(
            "this HEAR task does not give one label to a file",
            got=kind,
            wanted="embedding_type scene and prediction_type multiclass",
            next_step="choose another task: tfds_crema_d is HEAR's task of emotions",
        )
    if kind["split_mode"] not in modes:
        raise SplitError(
            "task_metadata.json names no way of splitting that HEAR knows",
            got=kind["split_mode"],
            wanted=f"one of {', '.join(modes)}",
            next_step="fetch the task again",
        )


def _part_names(task: Mapping[str, Any]) -> list[str]:
    if task["split_mode"] == THREE_PARTS:
        return ["train", "valid", "test"]
    names = task.get("splits") or [f"fold{number:02d}" for number in range(int(task.get("nfolds") or 0))]
    if len(names) < 3:
        raise SplitError(
            "task_metadata.json names too few folds",
            got=names,
            wanted="splits (or nfolds) with three folds or more: one is tested, one is dev, the others train",
            next_step="fetch the task again",
        )
    return [str(name) for name in names]


def _part(path: Path, known: set[str], renamed: Mapping[str, str]) -> tuple[Listed, ...]:
    listed = []
    for file, labels in read_json(path, dict).items():
        if not isinstance(labels, list) or len(labels) != 1 or str(labels[0]) not in known:
            raise SplitError(
                f"{path.name} gives a file no label of the vocabulary",
                got=f"{file}: {labels!r}",
                wanted=f"one of {', '.join(sorted(known))}",
                next_step="fetch the task again",
            )
        name = renamed.get(file, file)
        listed.append(Listed(key=name, path=name, label=str(labels[0])))
    return tuple(listed)


def _renamed(path: Path) -> dict[str, str]:
    return {row["file"]: row["utterance"] for row in read_table(path, ("file", "utterance"))}
