"""EmoDB and URDU: their indexes, and the real corpora row by row where they are present."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.corpora import check_corpus, emodb, load_corpus, urdu
from harness.corpora._index import FOLDER, HEADER, index_text, read_index
from harness.errors import CorpusError
from harness.manifest import FaultKind

BOTH = pytest.mark.parametrize("module", [emodb, urdu], ids=["emodb", "urdu"])
COUNTS = {
    "emodb": {"W": 127, "L": 81, "N": 79, "F": 71, "A": 69, "T": 62, "E": 46},
    "urdu": {"A": 100, "H": 100, "N": 100, "S": 100},
}


def real(shared: Path, module: ModuleType) -> Path:
    root = shared / "corpora" / module.FACTS.name
    if not root.is_dir():
        pytest.skip(f"needs the real {module.FACTS.title}")
    return root


def linked(root: Path, folder: Path, names: list[str]) -> Path:
    """A copy of the corpus that costs no disk: symbolic links, to be replaced one by one."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(os.path.relpath(root / name, (folder / name).parent))
    return folder


def replace(path: Path, samples: np.ndarray, rate_hz: int) -> None:
    path.unlink()
    soundfile.write(path, samples, rate_hz, subtype="PCM_16")


def bare_names(module: ModuleType) -> list[str]:
    return [entry.path for entry in read_index(FOLDER / f"{module.FACTS.name}.tsv")]


@BOTH
def test_the_index_holds_no_labels_beyond_the_names_and_no_audio(module: ModuleType) -> None:
    path = FOLDER / f"{module.FACTS.name}.tsv"
    assert path.read_text(encoding="utf-8").startswith(HEADER + "\n")
    rows = read_index(path)
    assert len({row.path for row in rows}) == len({row.pcm_sha256 for row in rows}) == module.FACTS.utterances
    assert all(len(row.pcm_sha256) == 64 and row.samples > 0 for row in rows)


@BOTH
def test_names_alone_give_the_published_counts(module: ModuleType, tmp_path: Path) -> None:
    name = bare_names(module)[0]
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    rows = list(module.read(tmp_path))
    assert Counter(row.label_raw for row in rows) == COUNTS[module.FACTS.name]
    assert len({row.speaker for row in rows}) == module.FACTS.speakers
    with pytest.raises(CorpusError) as fault:
        load_corpus(module, tmp_path)
    assert f"{module.FACTS.utterances - 1} missing" in fault.value.what
    assert "1 empty" in fault.value.what


def test_a_letter_means_another_emotion_in_another_corpus() -> None:
    assert (emodb.FACTS.labels["A"], urdu.FACTS.labels["A"]) == ("fear", "anger")
    assert emodb.FACTS.labels["F"] == "happiness"


def test_genders_of_urdu_come_from_the_first_part_of_the_name(tmp_path: Path) -> None:
    (tmp_path / "Sad").mkdir()
    (tmp_path / "Sad/SF10_F1_S01.wav").touch()
    genders = {row.speaker: row.gender for row in urdu.read(tmp_path)}
    assert Counter(genders.values()) == {"male": 18, "female": 11}


@BOTH
def test_the_real_corpus_is_sound_and_is_the_listing(shared: Path, listing: Any, module: ModuleType) -> None:
    manifest = load_corpus(module, real(shared, module))
    assert manifest.faults == ()
    rows = {row["utt"]: row for row in listing(module.FACTS.name)}
    assert len(manifest) == len(rows) == module.FACTS.utterances
    for one in manifest.table.to_dict("records"):
        row = rows[one["id"]]
        names = ("path", "speaker", "gender", "label_raw", "label")
        assert [one[name] for name in names] == [row[name] for name in names]
        assert one["duration_s"] == pytest.approx(row["dur"], abs=1e-4)  # the listing has four decimals
        assert one["sample_rate_hz"] == row["sr"]


@BOTH
def test_the_index_is_that_of_the_real_files(shared: Path, module: ModuleType) -> None:
    root = real(shared, module)
    text = (FOLDER / f"{module.FACTS.name}.tsv").read_text(encoding="utf-8")
    assert index_text(root, [path.relative_to(root).as_posix() for path in root.rglob("*.wav")]) == text


@BOTH
def test_a_copy_with_every_name_and_two_seconds_in_each_is_caught(
    shared: Path, module: ModuleType, tmp_path: Path
) -> None:
    real(shared, module)
    noise = np.random.default_rng(1).integers(-999, 999, 2 * module.FACTS.sample_rate_hz, dtype=np.int16)
    names = bare_names(module)
    (tmp_path / names[0]).parent.mkdir(parents=True)
    soundfile.write(tmp_path / names[0], noise, module.FACTS.sample_rate_hz, subtype="PCM_16")
    for name in names[1:]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).hardlink_to(tmp_path / names[0])
    truly_two_s = {
        entry.path
        for entry in read_index(FOLDER / f"{module.FACTS.name}.tsv")
        if abs(entry.samples / module.FACTS.sample_rate_hz - 2.0) <= module.FACTS.duration_tolerance_s
    }
    report = check_corpus(module, tmp_path)
    assert not report.ok
    wrong = {fault.path for fault in report.faults if fault.kind is FaultKind.WRONG_DURATION}
    assert wrong == set(names) - truly_two_s
    assert report.counts()["content differs"] == module.FACTS.utterances
    with pytest.raises(CorpusError, match="wrong duration"):
        load_corpus(module, tmp_path)


def test_one_tampered_file_among_true_ones_is_named(shared: Path, tmp_path: Path) -> None:
    root = linked(real(shared, emodb), tmp_path, bare_names(emodb))
    samples, rate_hz = soundfile.read(root / "wav/03a01Fa.wav", dtype="int16")
    replace(root / "wav/03a01Fa.wav", np.repeat(samples, 2), 2 * rate_hz)
    replace(root / "wav/03a01Nc.wav", samples[::-1], rate_hz)
    (root / "wav/16b10Wb.wav").unlink()
    with pytest.raises(CorpusError) as fault:
        load_corpus(emodb, root)
    assert "1 wrong sample rate" in fault.value.what
    assert "1 missing" in fault.value.what
    assert "wav/03a01Fa.wav: wrong sample rate (32000 Hz, wanted 16000 Hz)" in str(fault.value.got)
    skipped, repaired = (load_corpus(emodb, root, on_fault=mode) for mode in ("skip", "repair"))
    assert (len(skipped), skipped.dropped["missing"]) == (532, 1)
    assert (len(repaired), repaired.dropped) == (534, {"missing": 1})


def test_a_clip_of_urdu_in_another_emotions_folder_is_told(shared: Path, tmp_path: Path) -> None:
    root = linked(real(shared, urdu), tmp_path, bare_names(urdu))
    source = root / "Angry/SM1_F10_A010.wav"
    shutil.copy(source, root / "Happy/SM1_F10_A010.wav")
    source.unlink()
    faults = {fault.path: fault for fault in check_corpus(urdu, root).faults}
    assert faults["Angry/SM1_F10_A010.wav"].kind is FaultKind.MISSING
    assert "should lie at Angry/SM1_F10_A010.wav" in faults["Happy/SM1_F10_A010.wav"].message
