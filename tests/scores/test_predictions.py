"""Predictions survive the disk unchanged, and nothing half-true is read back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from harness.contracts import Example
from harness.errors import HarnessError
from harness.predictions import (
    COLUMNS,
    Predictions,
    concatenate,
    predictions_of,
    read_predictions,
    write_predictions,
)

CLASSES = ["joy", "anger", "sad"]
METADATA = b"emoharness.predictions"


def made(fold: str = "f1", seed: int = 0, run: str = "r") -> Predictions:
    rows = [
        Example(f"{fold}u{n}", (f"{fold}u{n}",), CLASSES[n % 3], f"v{n % 2}", duration_s=1.0 + n)
        for n in range(4)
    ]
    logits = np.random.default_rng(seed).normal(size=(4, 3)).astype(np.float32)
    return predictions_of(rows, logits, classes=CLASSES, run=run, fold=fold, seed=seed)


def test_rows_say_what_was_predicted() -> None:
    rows = [Example("a", ("a",), "sad", "anna", duration_s=2.0), Example("b", ("b",), "joy", "")]
    logits = np.array([[0.0, 3.0, 1.0], [2.0, 2.0, -1.0]], dtype=np.float32)
    table = predictions_of(rows, logits, classes=CLASSES, run="r", fold="f", seed=3).table
    assert list(table.columns) == list(COLUMNS)
    assert table["predicted"].tolist() == ["anger", "joy"]  # the first of equals wins
    assert table["truth"].tolist() == ["sad", "joy"]
    assert table["speaker"].tolist() == ["anna", ""]
    assert table["seed"].tolist() == [3, 3]


def test_the_disk_gives_back_what_it_got(tmp_path: Path) -> None:
    whole = concatenate([made("f1", 0), made("f2", 0), made("f1", 1), made("f2", 1)])
    path = tmp_path / "deep" / "predictions.parquet"
    write_predictions(whole, path)
    again = read_predictions(path)
    assert again.classes == tuple(CLASSES)
    for name in set(COLUMNS) - {"logits"}:
        assert again.table[name].tolist() == whole.table[name].tolist()
    stacked = np.stack(again.table["logits"].tolist())
    assert stacked.dtype == np.float32
    np.testing.assert_array_equal(stacked, np.stack(whole.table["logits"].tolist()))
    assert os.listdir(path.parent) == ["predictions.parquet"]  # noqa: PTH208


def test_types_on_disk(tmp_path: Path) -> None:
    write_predictions(made(), tmp_path / "p.parquet")
    schema = parquet.read_schema(tmp_path / "p.parquet")
    assert schema.field("logits").type == pa.list_(pa.float32())
    assert schema.field("seed").type == pa.int64()
    assert json.loads(schema.metadata[METADATA]) == {
        "version": 2,
        "kind": "classes",
        "classes": CLASSES,
    }


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.parquet"
    write_predictions(made(seed=0), path)
    before = path.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    with pytest.raises(HarnessError, match=r"(?s)cannot be written.*No space left"):
        write_predictions(made(seed=1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be read"):
        read_predictions(tmp_path / "absent.parquet")
    path = tmp_path / "p.parquet"
    write_predictions(made(), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(HarnessError, match="cannot be read"):
        read_predictions(path)


def spoilt(tmp_path: Path, metadata: dict[bytes, bytes] | None = None, **columns: Any) -> Path:
    """A file of predictions with some columns replaced (None: left out)."""
    path = tmp_path / "p.parquet"
    write_predictions(made(), path)
    table = parquet.read_table(path)
    notes = table.schema.metadata
    for name, values in columns.items():
        table = table.drop_columns([name])
        if values is not None:
            table = table.append_column(name, [values])
    parquet.write_table(table.replace_schema_metadata(notes if metadata is None else metadata), path)
    return path


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"speaker": None}, r"lacks columns(?s:.)*also speaker"),
        ({"predicted": ["joy", "joy", "boredom", "joy"]}, "boredom"),
        ({"truth": ["joy", "joy", None, "joy"]}, "rows without truth"),
        ({"seed": ["one", "two", "three", "four"]}, "another type"),
        ({"logits": [[0.0, 1.0]] * 4}, "another size"),
        ({"logits": [[0.0, 1.0, float("nan")]] * 4}, "finite"),
        ({"id": ["a", "a", "b", "c"]}, "contradicts itself"),
    ],
)
def test_spoilt_files_are_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        read_predictions(spoilt(tmp_path, **columns))


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ({}, "order"),
        ({METADATA: b"[]"}, "order"),
        ({METADATA: b'{"version": 1}'}, "order"),
        ({METADATA: b'{"version": 9, "classes": ["joy", "anger", "sad"]}'}, "newer harness"),
        ({METADATA: b'{"version": 1, "classes": ["joy", "anger", "anger"]}'}, "doubles"),
    ],
)
def test_notes_that_do_not_fit_are_refused(tmp_path: Path, note: dict[bytes, bytes], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        read_predictions(spoilt(tmp_path, note))


def test_further_columns_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    write_predictions(made(), path)
    table = parquet.read_table(path)
    parquet.write_table(table.append_column("note", [["x"] * 4]), path)
    assert list(read_predictions(path).table.columns) == list(COLUMNS)


def test_logits_have_to_fit() -> None:
    row = [Example("a", ("a",), "joy", "anna")]
    with pytest.raises(HarnessError, match="do not fit"):
        predictions_of(row, np.zeros((1, 2), np.float32), classes=CLASSES, run="r", fold="f", seed=0)
    with pytest.raises(HarnessError, match="finite"):
        predictions_of(row, np.full((1, 3), np.inf, np.float32), classes=CLASSES, run="r", fold="f", seed=0)
    with pytest.raises(HarnessError, match="joy"):
        predictions_of(row, np.zeros((1, 2), np.float32), classes=["a", "b"], run="r", fold="f", seed=0)


def test_parts_that_do_not_belong_together() -> None:
    other = Predictions(made("f2").table, ("anger", "joy", "sad"))
    with pytest.raises(HarnessError, match="same classes"):
        concatenate([made("f1"), other])
    with pytest.raises(HarnessError, match="no predictions"):
        concatenate([])
    with pytest.raises(HarnessError, match="4 rows twice"):
        concatenate([made("f1"), made("f1")])


def test_two_truths_for_one_example_are_a_contradiction() -> None:
    one, other = made("f1", 0), made("f1", 1)
    other.table["truth"] = pd.Series(["anger"] * 4)
    with pytest.raises(HarnessError, match="3 examples with two truths"):
        concatenate([one, other])


def test_nothing_is_no_prediction(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    write_predictions(Predictions(made().table.iloc[:0], tuple(CLASSES)), path)
    with pytest.raises(HarnessError, match="no predictions"):
        read_predictions(path)
