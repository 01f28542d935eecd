"""Each way in which a corpus on disk can be wrong: named, counted, and handled as told."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness.corpora._inspect as inspection
from harness.audio import MissingAudioError
from harness.contracts import CorpusFacts, Utterance
from harness.corpora import check_corpus, load_corpus
from harness.corpora._faults import utterance_faults
from harness.corpora._inspect import inspect_files
from harness.errors import CorpusError
from harness.manifest import FaultKind

NOISE = np.random.default_rng(5).integers(-999, 999, 3200, dtype=np.int16)


def remove(toy: Any) -> None:
    (toy.root / "wav/u1.wav").unlink()


def fill_with_text(toy: Any) -> None:
    (toy.root / "wav/u1.wav").write_bytes(b"<html>404</html>" * 50)


def truncate(toy: Any) -> None:
    content = (toy.root / "wav/u1.wav").read_bytes()
    (toy.root / "wav/u1.wav").write_bytes(content[:-600])


def empty(toy: Any) -> None:
    (toy.root / "wav/u1.wav").write_bytes(b"")


def only_header(toy: Any) -> None:
    toy.write("u1.wav", NOISE[:0])


def not_a_number(toy: Any) -> None:
    toy.write("u1.wav", np.where(np.arange(3200) == 9, np.nan, NOISE / 32768), subtype="FLOAT")


def shorten(toy: Any) -> None:
    toy.write("u1.wav", NOISE[:1600])


def resample(toy: Any) -> None:
    toy.write("u1.wav", NOISE[:1600], rate_hz=8000)


def widen(toy: Any) -> None:
    toy.write("u1.wav", np.stack([NOISE, NOISE], axis=1))


def mislabel(toy: Any) -> None:
    toy.rows[1] = dataclasses.replace(toy.rows[1], label_raw="q")


def repeat(toy: Any) -> None:
    toy.rows[1] = dataclasses.replace(toy.rows[1], id="u0")


def end_too_late(toy: Any) -> None:
    toy.rows[1] = dataclasses.replace(toy.rows[1], start_s=0.1, end_s=0.5)


Damage = Callable[[Any], None]
STOPPING: list[tuple[Damage, FaultKind, tuple[bool, bool]]] = [  # kept by skip, kept by repair
    (remove, FaultKind.MISSING, (False, False)),
    (fill_with_text, FaultKind.UNREADABLE, (False, False)),
    (truncate, FaultKind.UNREADABLE, (False, False)),
    (empty, FaultKind.EMPTY, (False, False)),
    (only_header, FaultKind.EMPTY, (False, False)),
    (not_a_number, FaultKind.NOT_FINITE, (False, False)),
    (end_too_late, FaultKind.UNREADABLE, (False, False)),
    (repeat, FaultKind.REPEATED_ID, (False, False)),
    (shorten, FaultKind.WRONG_DURATION, (False, True)),
    (resample, FaultKind.WRONG_RATE, (False, True)),
    (widen, FaultKind.WRONG_CHANNELS, (False, True)),
    (mislabel, FaultKind.UNKNOWN_LABEL, (True, True)),
]
CASES = pytest.mark.parametrize(
    ("damage", "kind", "kept"),
    STOPPING,
    ids=[f"{damage.__name__}" for damage, *_ in STOPPING],
)


@CASES
def test_a_fault_stops_the_loader_by_name(
    toy: Any, damage: Damage, kind: FaultKind, kept: tuple[bool, bool]
) -> None:
    damage(toy)
    with pytest.raises(CorpusError) as fault:
        load_corpus(toy, toy.root)
    assert f"1 {kind}" in fault.value.what
    assert "wav/u1.wav" in str(fault.value.got)
    assert "on_fault=skip" in str(fault.value.next_step)
    assert f"corpus check toy root={toy.root}" in str(fault.value.next_step)


@CASES
@pytest.mark.parametrize("on_fault", ["skip", "repair"])
def test_the_loader_goes_on_only_as_told(
    toy: Any, damage: Damage, kind: FaultKind, kept: tuple[bool, bool], on_fault: Any
) -> None:
    damage(toy)
    manifest = load_corpus(toy, toy.root, on_fault=on_fault)
    stays = kept[["skip", "repair"].index(on_fault)]
    assert len(manifest) == (6 if stays else 5)
    assert manifest.dropped == ({} if stays else {str(kind): 1})
    assert [fault.kind for fault in manifest.faults] == [kind]


def test_a_row_is_never_left_out_for_its_label(toy: Any) -> None:
    mislabel(toy)
    table = load_corpus(toy, toy.root, on_fault="skip").table
    assert table.loc[1, ["label_raw", "label"]].tolist() == ["q", ""]


def test_a_moved_file_is_told_with_both_places(toy: Any) -> None:
    (toy.root / "wav/sub").mkdir()
    (toy.root / "wav/u1.wav").rename(toy.root / "wav/sub/u1.wav")
    toy.rows[2] = dataclasses.replace(toy.rows[2], path="wav/sub/u2.wav")
    (toy.root / "wav/u2.wav").rename(toy.root / "wav/sub/u2.wav")
    faults = {fault.path: fault for fault in check_corpus(toy, toy.root).faults}
    assert faults["wav/u1.wav"].kind is FaultKind.MISSING
    assert faults["wav/sub/u1.wav"].message == "it should lie at wav/u1.wav"


@pytest.mark.parametrize("name", ["stray.wav", "stray.FLAC"])
def test_an_unexpected_file_is_reported_and_read_by_nobody(toy: Any, name: str) -> None:
    (toy.root / "wav" / name).write_bytes(b"whatever")
    (toy.root / "wav/._u1.wav").write_bytes(b"AppleDouble")
    (toy.root / "wav/notes.txt").write_text("not sound")
    manifest = load_corpus(toy, toy.root)
    assert [(fault.path, fault.kind) for fault in manifest.faults] == [(f"wav/{name}", FaultKind.UNEXPECTED)]
    assert len(manifest) == 6


def test_other_content_and_silence_are_warnings(toy: Any, caplog: pytest.LogCaptureFixture) -> None:
    toy.rows[0] = dataclasses.replace(toy.rows[0], expected_pcm_sha256="0" * 64)
    toy.write("u1.wav", NOISE * 0)
    with caplog.at_level(logging.WARNING):
        manifest = load_corpus(toy, toy.root)
    assert [fault.kind for fault in manifest.faults] == [FaultKind.CONTENT, FaultKind.SILENT]
    assert len(manifest) == 6
    assert "wav/u0.wav" in caplog.text
    assert check_corpus(toy, toy.root).ok


def test_a_count_that_is_not_the_published_one_stops(toy: Any) -> None:
    del toy.rows[3:]
    with pytest.raises(CorpusError) as fault:
        load_corpus(toy, toy.root)
    assert "3 utterances are listed here, the corpus has 6" in str(fault.value.got)
    assert "1 speakers" in str(fault.value.got)
    assert len(load_corpus(toy, toy.root, on_fault="skip")) == 3


def test_the_message_names_ten_and_counts_all(toy: Any) -> None:
    toy.rows.extend(dataclasses.replace(toy.rows[0], id=f"x{i}", path=f"wav/x{i:02d}.wav") for i in range(14))
    toy.FACTS = dataclasses.replace(toy.FACTS, utterances=20)
    with pytest.raises(CorpusError) as fault:
        load_corpus(toy, toy.root)
    assert "14 faults (14 missing)" in fault.value.what
    assert "wav/x09.wav" in str(fault.value.got)
    assert "wav/x10.wav" not in str(fault.value.got)
    assert "and 4 more" in str(fault.value.got)
    named = check_corpus(toy, toy.root).lines()
    assert sum("wav/x" in line for line in named) == 14


def test_nothing_left_is_an_error_in_every_mode(toy: Any) -> None:
    for path in (toy.root / "wav").glob("*.wav"):
        path.unlink()
    for on_fault in ("skip", "repair"):
        with pytest.raises(CorpusError, match="no utterance"):
            load_corpus(toy, toy.root, on_fault=on_fault)


def test_the_report_counts_and_judges(toy: Any) -> None:
    report = check_corpus(toy, toy.root)
    assert report.ok
    assert (report.utterances, report.speakers) == (6, 2)
    assert report.labels == {"anger": 3, "neutral": 3}
    assert report.hours == pytest.approx(6 * 0.2 / 3600)
    mislabel(toy)
    remove(toy)
    report = check_corpus(toy, toy.root)
    assert not report.ok
    assert report.labels == {"anger": 3, "neutral": 2, "": 1}
    assert report.counts() == {"missing": 1, "unknown label": 1}


def test_a_file_is_decoded_again_only_when_it_has_changed(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    true_inspect = inspection.inspect
    monkeypatch.setattr(inspection, "inspect", lambda path: decoded.append(path.name) or true_inspect(path))
    first = load_corpus(toy, toy.root)
    assert len(decoded) == 6
    decoded.clear()
    assert load_corpus(toy, toy.root).content_hash() == first.content_hash()
    assert decoded == []
    toy.write("u4.wav", NOISE)
    os.utime(toy.root / "wav/u4.wav", ns=(1, 1))
    assert load_corpus(toy, toy.root).content_hash() != first.content_hash()
    assert decoded == ["u4.wav"]


def test_a_damaged_cache_is_measured_anew(toy: Any) -> None:
    first = load_corpus(toy, toy.root).content_hash()
    cache = inspection._cache_file(toy.root)
    for content in ("", "{", "[[1]]", '{"a": 1}', "[null]"):
        cache.write_text(content)
        assert load_corpus(toy, toy.root).content_hash() == first


def test_a_cache_that_cannot_be_written_costs_only_time(
    toy: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("EMOHARNESS_CACHE", str(tmp_path / "file"))
    assert len(load_corpus(toy, toy.root)) == 6


def test_progress_is_told(toy: Any) -> None:
    told: list[tuple[int, int]] = []
    load_corpus(toy, toy.root, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 6) for done in range(7)]
    told.clear()
    load_corpus(toy, toy.root, progress=lambda done, total: told.append((done, total)))
    assert told == [(6, 6)]


MINI = CorpusFacts(
    name="mini",
    title="Mini",
    languages=("en",),
    licence="x",
    access="x",
    citation="x",
    labels={"joy": "happiness"},
    utterances=1,
    speakers=1,
    sample_rate_hz=16_000,
)


@pytest.mark.parametrize(("lost", "kind"), [(False, FaultKind.MISSING), (True, FaultKind.KNOWN_DEFECT)])
def test_a_defect_excuses_a_missing_file_only_where_it_leaves_nothing_to_hear(
    lost: bool, kind: FaultKind
) -> None:
    utterance = Utterance(id="a", path="a.wav", label_raw="joy", speaker="1", defect="oddly named", lost=lost)
    (fault,) = utterance_faults(utterance, MINI, MissingAudioError("there is no such sound file"))
    assert fault.kind is kind


def test_a_fault_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("version https://git-lfs.github.com/spec/v1\n")
    utterance = Utterance(id="a", path="a.wav", label_raw="joy", speaker="1")
    measured = inspect_files(tmp_path, ["a.wav"])["a.wav"]
    (fault,) = utterance_faults(utterance, MINI, measured)
    assert "git lfs pull" in fault.message
