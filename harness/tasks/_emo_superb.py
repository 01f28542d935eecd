"""EMO-SUPERB's shares of the raters' votes, read from its files: `labels_consensus_<k>.csv` and `config.json`.

EMOsuperb/EMO-SUPERB-submission at 4167e30, `data/<corpus>/{Primary,Secondary}/`. `config.json` names the classes
and their order under `categorical.emo_type`; every table has a column for each, already smoothed. The tables of a
folder hold the same utterances in other parts; they have to agree about them.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from harness.errors import ConfigError, LabelError

FILE = re.compile(r"labels_consensus(?:_(\d+))?\.csv")
TOLERANCE = 1e-3
"""How far shares may add up to something else than 1: they are rounded to three digits and more."""
_NEXT = "fetch EMO-SUPERB's files again; task.folder=<EMO-SUPERB>/data/<corpus>/Primary"

Shares = tuple[float, ...]


class Published(NamedTuple):
    """The shares of one corpus."""

    classes: tuple[str, ...]
    shares: dict[str, Shares]
    """Name of a file without folder and extension -> its shares, as printed."""


def read_shares(folder: str, numbers: Sequence[int] = ()) -> Published:
    """The classes and shares of a folder.

    Args:
        folder: where the files lie.
        numbers: of the tables to read; none: all.

    Raises:
        ConfigError: there is no such folder.
        LabelError: a file is missing or damaged, or two tables disagree.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise ConfigError("task.folder is no folder", got=folder, next_step=_NEXT)
    tables = _tables(place, numbers)
    classes = _classes(place / "config.json")
    shares: dict[str, Shares] = {}
    for path in tables:
        for name, found in _rows(path, classes):
            if shares.setdefault(name, found) != found:
                raise LabelError(
                    "two tables of EMO-SUPERB give one file different shares",
                    got=f"{name} in {path.name}: {found}, before: {shares[name]}",
                    wanted="the same labels in every partition",
                    next_step="older commits hold tables with labels of a language model: task.tables=[1,2,3,4,5]",
                )
    return Published(classes, shares)


def _tables(folder: Path, numbers: Sequence[int]) -> list[Path]:
    found = {int(match[1] or 0): path for path in folder.iterdir() if (match := FILE.fullmatch(path.name))}
    absent = [number for number in numbers if number not in found]
    if absent or not found:
        raise LabelError(
            "tables of EMO-SUPERB are missing",
            got=f"{folder}: {', '.join(path.name for _, path in sorted(found.items())) or 'no table'}",
            wanted=", ".join(f"labels_consensus_{number}.csv" for number in absent)
            or "labels_consensus_1.csv",
            next_step=_NEXT,
        )
    return [path for number, path in sorted(found.items()) if not numbers or number in numbers]


def _classes(path: Path) -> tuple[str, ...]:
    try:
        names = json.loads(path.read_text(encoding="utf-8-sig"))["categorical"]["emo_type"]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise _unreadable(path, f"{type(fault).__name__}: {fault}") from fault
    good = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not good or len(names) < 2 or len(set(names)) < len(names):
        raise _unreadable(path, f"categorical.emo_type is {names!r}")
    return tuple(names)


def _rows(path: Path, classes: Sequence[str]) -> Iterator[tuple[str, Shares]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as fault:
        raise _unreadable(path, str(fault)) from fault
    for line, row in enumerate(rows, start=2):
        try:
            shares = tuple(float(row[name]) for name in classes)
            name = row["FileName"]
        except (KeyError, TypeError, ValueError) as fault:
            raise _unreadable(path, f"line {line}: {type(fault).__name__}: {fault}") from fault
        if any(not share >= 0 for share in shares) or not math.isclose(sum(shares), 1, abs_tol=TOLERANCE):
            raise _unreadable(path, f"line {line}: shares {shares}")
        yield PurePosixPath(name).stem, shares


def _unreadable(path: Path, got: str) -> LabelError:
    return LabelError(
        f"{path.name} does not give shares",
        got=f"{path}: {got}",
        wanted="FileName, and for each of config.json's categorical.emo_type a share; they add up to 1",
        next_step=_NEXT,
    )
