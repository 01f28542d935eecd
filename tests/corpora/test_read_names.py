"""A corpus by its names alone: no sound is opened, and what only sound tells is not made up."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from harness.corpora import load_corpus, read_names
from harness.errors import CorpusError
from harness.manifest import COLUMNS

HEARD = ["duration_s", "sample_rate_hz", "channels", "content"]


def test_says_what_the_loader_says_but_for_the_sound(toy: Any) -> None:
    named, loaded = read_names(toy, toy.root), load_corpus(toy, toy.root)
    assert list(named.table.columns) == list(COLUMNS)
    said = [name for name in COLUMNS if name not in HEARD]
    assert named.table[said].equals(loaded.table[said])
    assert set(named.table["content"]) == {""}
    assert dict(named.table.dtypes) == dict(loaded.table.dtypes)


def test_needs_no_sound_file(toy: Any) -> None:
    for path in (toy.root / "wav").iterdir():
        path.unlink()
    assert len(read_names(toy, toy.root)) == len(toy.rows)


def test_durations_are_the_owners_or_unknown(toy: Any) -> None:
    toy.rows[0] = dataclasses.replace(toy.rows[0], expected_duration_s=0.25)
    toy.rows[1] = dataclasses.replace(toy.rows[1], start_s=0.05, end_s=0.15)
    toy.rows[2] = dataclasses.replace(toy.rows[2], expected_duration_s=None)
    durations_s = read_names(toy, toy.root).table["duration_s"].tolist()
    assert durations_s[0] == 0.25
    assert durations_s[1] == pytest.approx(0.1)
    assert math.isnan(durations_s[2])


def test_a_repeated_id_is_left_out_and_counted(toy: Any) -> None:
    toy.rows.append(toy.rows[0])
    manifest = read_names(toy, toy.root)
    assert len(manifest) == len(toy.rows) - 1
    assert manifest.dropped == {"repeated id": 1}


def test_a_corpus_that_names_nothing_is_refused(toy: Any) -> None:
    toy.rows.clear()
    with pytest.raises(CorpusError, match="no utterance"):
        read_names(toy, toy.root)
    with pytest.raises(CorpusError, match="no folder"):
        read_names(toy, toy.root / "nowhere")
