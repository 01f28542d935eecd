"""Predictions: one row per run, fold, seed and example. Scores come later, and need nothing but these.

On disk they are one parquet file; the order of the classes, which the logits follow, rides in its metadata, and so
does the kind of the targets. Three kinds, three meanings of a row:

- `classes`: `truth` and `predicted` name a class, `logits` are decision values, the largest wins.
- `shares`: `targets` are the raters' shares of each class, `logits` are such that their softmax are the predicted
  shares; `truth` and `predicted` name the class with the largest share, the first of equals.
- `scales`: `targets` are the numbers on each scale in the owners' units, `logits` the predicted ones; `truth` and
  `predicted` are empty.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from harness.contracts import Example, Kind
from harness.errors import HarnessError
from harness.paths import written_beside

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

COLUMNS = ("run", "fold", "seed", "id", "truth", "predicted", "logits", "speaker", "duration_s")
TARGETS = "targets"
"""One more column where the target is no class."""
KEY = ["run", "fold", "seed", "id"]
VERSION = 2
"""2: the kind of the targets came; a file of version 1 holds classes."""
SHARES_TOLERANCE = 1e-3
"""How far shares may add up to something else than 1: published tables round them to three digits and more."""
_METADATA = b"emoharness.predictions"


@dataclass(frozen=True)
class Predictions:
    """What was predicted, and in which order the logits name the classes."""

    table: pd.DataFrame
    """Columns `columns_of(kind)`; `logits` holds (classes,) float32 vectors, `targets` (classes,) float64 ones,
    `speaker` is empty where unknown."""
    classes: tuple[str, ...]
    """Classes, or names of the scales."""
    kind: Kind = "classes"

    def __len__(self) -> int:
        return len(self.table)


def columns_of(kind: Kind) -> tuple[str, ...]:
    """The columns of predictions of this kind."""
    return COLUMNS if kind == "classes" else (*COLUMNS, TARGETS)


def predictions_of(
    examples: Sequence[Example],
    logits: NDArray[np.float32],
    *,
    classes: Sequence[str],
    run: str,
    fold: str,
    seed: int,
    kind: Kind = "classes",
) -> Predictions:
    """The predictions of one trained head for the test part of one fold.

    Args:
        examples: of the test part.
        logits: (examples, classes) in the same order; the largest wins, the first of equals. On scales they are
            the predicted numbers themselves.
        classes: order of the logits.
        run: name of the run.
        fold: name of the fold.
        seed: seed of the head.
        kind: of the targets.

    Raises:
        HarnessError: sizes do not fit, a logit is not finite, or a target is no class.
    """
    import numpy as np
    import pandas as pd

    values = np.asarray(logits, dtype=np.float32)
    if values.shape != (len(examples), len(classes)):
        raise HarnessError(
            "the head's logits do not fit the examples",
            got=f"shape {values.shape}",
            wanted=f"({len(examples)} examples, {len(classes)} classes)",
            next_step="mend the head's `predict`",
        )
    _check_finite(values, f"fold {fold}, seed {seed}")
    columns: dict[str, Any] = {} if kind == "classes" else {TARGETS: _targets(examples)}
    table = pd.DataFrame(
        {
            "run": run,
            "fold": fold,
            "seed": seed,
            "id": [example.id for example in examples],
            "truth": [example.target for example in examples],
            "predicted": "" if kind == "scales" else [classes[i] for i in values.argmax(axis=1)],
            "logits": list(values),
            "speaker": [example.speaker for example in examples],
            "duration_s": [example.duration_s for example in examples],
            **columns,
        }
    )
    return checked(Predictions(table, tuple(classes), kind), f"fold {fold}, seed {seed}")


def _targets(examples: Sequence[Example]) -> list[NDArray[np.float64]]:
    import numpy as np

    return [np.asarray(example.values, dtype=np.float64) for example in examples]


def concatenate(parts: Sequence[Predictions]) -> Predictions:
    """All folds and seeds of a run (or of several) in one table.

    Raises:
        HarnessError: there are none, they disagree about the classes, or they hold a row twice.
    """
    import pandas as pd

    orders = {(part.classes, part.kind) for part in parts}
    if len(orders) != 1:
        raise HarnessError(
            "predictions can be put together only if they know the same classes in the same order",
            got=sorted(orders) or "no predictions",
            next_step="put together predictions of one task",
        )
    table = pd.concat([part.table for part in parts], ignore_index=True)
    return checked(Predictions(table, parts[0].classes, parts[0].kind), "the predictions put together")


def write_predictions(predictions: Predictions, path: Path) -> None:
    """Write one parquet file, whole or not at all.

    Raises:
        HarnessError: the disk is full, or the folder cannot be written to.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kind = predictions.kind
    note = json.dumps({"version": VERSION, "kind": kind, "classes": predictions.classes}).encode()
    columns = {name: predictions.table[name].tolist() for name in columns_of(kind)}
    table = pa.table(columns, schema=_schema(kind)).replace_schema_metadata({_METADATA: note})
    try:
        with written_beside(path) as temporary:
            parquet.write_table(table, temporary, compression="zstd")
    except OSError as fault:
        raise HarnessError(
            "the predictions cannot be written",
            got=f"{path}: {fault.strerror or fault}",
            wanted="a folder that can be written to, with room",
            next_step="make room, or name another folder with results=DIR",
        ) from fault


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote, or another program in the same form, and check it.

    Raises:
        HarnessError: the file is missing or damaged, lacks columns or classes, holds an unknown class, a
            logit that is not finite, a row twice, or two truths for one example.
    """
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(path)
    except (OSError, ArrowException) as fault:
        raise HarnessError(
            "the predictions cannot be read",
            got=f"{path}: {str(fault).splitlines()[0]}",
            wanted="a parquet file of predictions",
            next_step="check the path; if the file is damaged, run the recipe again with force=true",
        ) from fault
    classes, kind = _note(path, table.schema.metadata or {})
    return checked(Predictions(_frame(path, table, kind), classes, kind), str(path))


def _schema(kind: Kind) -> Any:  # noqa: ANN401
    import pyarrow as pa

    types = dict.fromkeys(columns_of(kind), pa.string())
    types |= {"seed": pa.int64(), "logits": pa.list_(pa.float32()), "duration_s": pa.float64()}
    if TARGETS in types:
        types[TARGETS] = pa.list_(pa.float64())
    return pa.schema(types)


def _note(path: Path, metadata: dict[bytes, bytes]) -> tuple[tuple[str, ...], Kind]:
    """The order of the classes and the kind of the targets out of the metadata."""
    try:
        note = json.loads(metadata[_METADATA])
        version, classes = int(note["version"]), [str(name) for name in note["classes"]]
        kind = str(note.get("kind", "classes"))
    except (AttributeError, KeyError, ValueError, TypeError) as fault:
        raise HarnessError(
            f"{path} does not say in which order its logits name the classes",
            wanted=f"parquet metadata {_METADATA.decode()} with version and classes",
            next_step="write the file with harness.predictions.write_predictions",
        ) from fault
    if version > VERSION:
        raise HarnessError(
            f"{path} was written by a newer harness",
            got=f"version {version}",
            wanted=f"version {VERSION} or older",
            next_step="update the harness",
        )
    if kind not in get_args(Kind):
        raise HarnessError(
            f"{path} holds targets of an unknown kind", got=kind, wanted=f"one of {', '.join(get_args(Kind))}"
        )
    return tuple(classes), cast(Kind, kind)


def _frame(path: Path, table: Any, kind: Kind) -> pd.DataFrame:  # noqa: ANN401
    """The wanted columns in their types, as pandas holds them."""
    import pyarrow as pa

    missing = [name for name in columns_of(kind) if name not in table.column_names]
    if missing:
        raise HarnessError(
            f"{path} lacks columns",
            got=", ".join(table.column_names),
            wanted=f"also {', '.join(missing)}",
            next_step="write the file with harness.predictions.write_predictions",
        )
    try:
        typed = table.select(list(columns_of(kind))).cast(_schema(kind))
    except pa.ArrowException as fault:
        raise HarnessError(
            f"a column of {path} has another type than predictions have",
            got=str(fault).splitlines()[0],
            wanted=str(_schema(kind)),
        ) from fault
    empty = [name for name in columns_of(kind) if typed[name].null_count]
    if empty:
        raise HarnessError(f"{path} has rows without {', '.join(empty)}", wanted="every cell filled")
    frame: pd.DataFrame = typed.to_pandas()
    return frame


def checked(predictions: Predictions, where: str) -> Predictions:
    """The predictions, if they hold what predictions have to hold.

    Raises:
        HarnessError: says what is wrong, and where.
    """
    table, classes = predictions.table, predictions.classes
    if not len(table):
        raise HarnessError(f"{where} holds no predictions", wanted="one row per fold, seed and example")
    _check_doubles(classes, where)
    _check_names(table, [""] if predictions.kind == "scales" else classes, where)
    _check_vectors(table, "logits", len(classes), where)
    if predictions.kind != "classes":
        _check_vectors(table, TARGETS, len(classes), where)
    if predictions.kind == "shares":
        _check_shares(table, where)
    _check_rows(table, where)
    return predictions


def _check_names(table: pd.DataFrame, classes: Sequence[str], where: str) -> None:
    strays = sorted((set(table["truth"]) | set(table["predicted"])) - set(classes))
    if strays:
        raise HarnessError(
            f"{where} holds classes that its own list does not",
            got=f"{strays}",
            wanted=f"names from {list(classes)}",
            next_step="score with the task that made the predictions",
        )


def _check_doubles(classes: Sequence[str], where: str) -> None:
    if len(set(classes)) < len(classes) or not classes:
        raise HarnessError(
            f"{where} has a list of classes with doubles, or none",
            got=list(classes),
            wanted="every class (or scale) once",
        )


def _check_vectors(table: pd.DataFrame, column: str, classes: int, where: str) -> None:
    import numpy as np

    lengths = {len(row) for row in table[column]}
    if lengths != {classes}:
        raise HarnessError(
            f"{where} has {column} of another size than its classes",
            got=f"sizes {sorted(lengths)}",
            wanted=f"{classes} per row",
        )
    _check_finite(np.stack(table[column].tolist()), where, column)


def _check_shares(table: pd.DataFrame, where: str) -> None:
    """Shares are no less than 0 and add up to 1, and the truth has the largest."""
    import numpy as np

    shares = np.stack(table[TARGETS].tolist())
    bad = (shares < 0).any(axis=1) | (np.abs(shares.sum(axis=1) - 1) > SHARES_TOLERANCE)
    if bad.any():
        raise HarnessError(
            f"{where} has targets that are no shares",
            got=f"{shares[bad][0].tolist()} in the first of {int(bad.sum())} rows",
            wanted="numbers from 0 that add up to 1",
            next_step="mend the task that made them",
        )


def _check_finite(values: NDArray[Any], where: str, column: str = "logits") -> None:
    import numpy as np

    bad = int((~np.isfinite(values)).any(axis=1).sum())
    if bad:
        raise HarnessError(
            f"the {column} of {where} are not all finite",
            got=f"NaN or infinity in {bad} of {len(values)} rows",
            wanted="finite numbers",
            next_step="train with a lower rate; look at the features with `python -m harness check`",
        )


def _check_rows(table: pd.DataFrame, where: str) -> None:
    doubles = int(table.duplicated(KEY).sum())
    truths = _truths(table).groupby([table["run"], table["id"]]).nunique()
    torn = truths[truths > 1]
    if doubles or len(torn):
        raise HarnessError(
            f"{where} contradicts itself",
            got=f"{doubles} rows twice, {len(torn)} examples with two truths",
            wanted="one row per run, fold, seed and example, and one truth per example",
            next_step="remove the file and run the recipe again",
        )


def _truths(table: pd.DataFrame) -> pd.Series[Any]:
    """What is true of every row, in a form that can be compared."""
    if TARGETS not in table:
        return table["truth"]
    return table[TARGETS].map(lambda values: tuple(float(value) for value in values))
