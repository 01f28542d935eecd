"""What CMU-MOSI and CMU-MOSEI share: label files, standard folds, and the sign of a sentiment.

Labels come as the owners' computational sequence (`.csd`, HDF5: `<name>/data/<video>/{intervals,features}`, the
first feature is the sentiment in [-3, 3]; in CMU-MOSEI six intensities of emotions follow), or as the table
`label.csv` of the MMSA project (`video_id`, `clip_id`, `text`, `label`, `mode`). The standard folds are lists of
videos in a Python file of the CMU-MultimodalSDK, which is read and never run, or the column `mode` of that table.
"""

from __future__ import annotations

import ast
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.corpora._annotation import find_files
from harness.corpora._parts import part_named
from harness.corpora._tables import Row, read_table, read_text
from harness.errors import CorpusError

log = logging.getLogger(__name__)

LABEL_TABLE = "label.csv"
LABELS = {name: name for name in ("negative", "neutral", "positive")}
"""Real scores become these by their sign."""
FOLDS = {"standard_train_fold": "train", "standard_valid_fold": "dev", "standard_test_fold": "test"}
SDK = "https://github.com/CMU-MultiComp-Lab/CMU-MultimodalSDK, mmsdk/mmdatasdk/dataset/standard_datasets"

_DIGITS = 6
"""Sequences hold thirds in 32 bits; six digits are what the scores carry."""
_COLUMNS = ("video_id", "clip_id", "text", "label")


class Opinion(NamedTuple):
    """A labelled segment of a video."""

    start_s: float
    end_s: float
    score: float
    intensities: tuple[float, ...] = ()
    """Further features of the owners' sequence, in its order; a table has none."""


def rounded(score: float) -> float:
    """A score to the digits that label files carry, the same from 32 and from 64 bits.

    >>> rounded(0.66666669), rounded(-1e-9)
    (0.666667, 0.0)
    """
    return round(score, _DIGITS) + 0.0


def raw_score(score: float) -> str:
    """A score as text, the same from 32 and from 64 bits.

    >>> raw_score(0.66666669), raw_score(-0.0)
    ('0.666667', '0.0')
    """
    return str(rounded(score))


def sign(score: float) -> str:
    """`negative`, `neutral` or `positive`; only zero is neutral."""
    value = rounded(score)
    return "neutral" if value == 0 else "positive" if value > 0 else "negative"


def read_opinions(path: Path) -> dict[str, list[Opinion]]:
    """Video -> its labelled segments by time.

    Raises:
        CorpusError: not HDF5, or not laid out as a computational sequence of labels.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            videos = next(group["data"] for group in file.values() if "data" in group)
            return {video: _opinions(path, video, group) for video, group in videos.items()}
    except (OSError, KeyError, StopIteration, TypeError, AttributeError, IndexError, ValueError) as fault:
        raise CorpusError(
            "a file of labels cannot be read",
            got=f"{path}: {type(fault).__name__}: {fault}",
            wanted="HDF5 with <name>/data/<video>/{intervals,features}",
            next_step=f"fetch it again, or put {LABEL_TABLE} in its place",
        ) from fault


def _opinions(path: Path, video: str, group: Mapping[str, Sequence[Sequence[float]]]) -> list[Opinion]:
    pairs = zip(group["intervals"], group["features"], strict=True)
    opinions = sorted(
        Opinion(float(when[0]), float(when[1]), float(what[0]), tuple(map(float, what[1:])))
        for when, what in pairs
    )
    if not all(math.isfinite(value) for opinion in opinions for value in opinion[:3]):
        raise CorpusError(
            "a label or a time is no finite number",
            got=f"{path}, video {video}",
            wanted="finite numbers",
            next_step="fetch the file again",
        )
    return opinions


def read_label_table(path: Path) -> list[Row]:
    """The rows of MMSA's table.

    Raises:
        CorpusError: it cannot be read, or lacks one of the columns.
    """
    return read_table(path, _COLUMNS)


def standard_folds(root: Path, fold_file: str) -> dict[str, str]:
    """Video -> `train`, `dev` or `test`; empty, with a warning, where nothing in `root` says so.

    Args:
        root: of the corpus.
        fold_file: name of the SDK's file for this corpus.

    Raises:
        CorpusError: a file of folds that cannot be read, or a video in two folds.
    """
    files, tables = find_files(root, [fold_file]), find_files(root, [LABEL_TABLE])
    if files:
        return _disjoint(root / files[0], _listed_folds(root / files[0]))
    rows = read_label_table(root / tables[0]) if tables else []
    if rows and rows[0].get("mode"):
        return _disjoint(root / tables[0], dict.fromkeys(map(_video_and_mode, rows)))
    log.warning(
        "%s: no official parts; put %s (from %s) or a %s with the column mode there",
        root,
        fold_file,
        SDK,
        LABEL_TABLE,
    )
    return {}


def _video_and_mode(row: Row) -> tuple[str, str]:
    part = part_named(row["mode"])
    if part is None:
        raise row.refused("mode", "train, valid or test")
    return row["video_id"], part


def _listed_folds(path: Path) -> list[tuple[str, str]]:
    """The lists of a Python file, read as data."""
    try:
        statements = ast.parse(read_text(path)).body
        lists = {
            target.id: ast.literal_eval(statement.value)
            for statement in statements
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name) and target.id in FOLDS
        }
        return [(str(video), part) for name, part in FOLDS.items() for video in lists[name]]
    except (SyntaxError, ValueError, KeyError, TypeError, RecursionError) as fault:
        raise CorpusError(
            "the standard folds cannot be read",
            got=f"{path}: {type(fault).__name__}: {fault}",
            wanted=f"{', '.join(FOLDS)}, each a list of videos",
            next_step=f"fetch the file again from {SDK}",
        ) from fault


def _disjoint(path: Path, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    folds: dict[str, str] = {}
    for video, part in pairs:
        if folds.setdefault(video, part) != part:
            raise CorpusError(
                "a video is in two folds",
                got=f"{path}: {video} is in {folds[video]} and {part}",
                wanted="each video in one fold",
                next_step=f"fetch the standard folds from {SDK}",
            )
    return folds
