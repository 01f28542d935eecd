"""Made-up voices: deterministic, whole or absent, labelled as synthetic, neither trivial nor void."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from harness.corpora import check_corpus, corpus_root, load_corpus, synthetic
from harness.corpora._voices import EMOTIONS, RATE_HZ, specs, synthesise
from harness.errors import CorpusError
from harness.manifest import FaultKind, Manifest


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return load_corpus(synthetic)


def test_it_is_the_promised_design(manifest: Manifest) -> None:
    table = manifest.table
    assert manifest.faults == ()
    assert len(table) == 240
    assert table.groupby(["session", "gender"])["speaker"].nunique().tolist() == [1] * 10
    assert table.groupby(["speaker", "label"]).size().tolist() == [6] * 40
    assert set(table["label"]) == {"anger", "happiness", "neutral", "sadness"}
    assert 0.7 < table["duration_s"].min() < table["duration_s"].max() < 2.5
    assert set(table["sample_rate_hz"]) == {RATE_HZ}
    assert table["content"].nunique() == 240


def test_it_says_synthetic_wherever_it_appears(manifest: Manifest) -> None:
    assert synthetic.FACTS.synthetic
    assert "SYNTHETIC" in synthetic.FACTS.title
    for column in ("id", "path", "speaker"):
        assert manifest.table[column].str.contains("SYNTHETIC").all()
    assert "SYNTHETIC" in manifest.root.name
    assert "NOT RECORDINGS" in (manifest.root / "README.txt").read_text(encoding="utf-8")
    assert "SYNTHETIC" in "\n".join(check_corpus(synthetic).lines())


def test_the_same_spec_gives_the_same_sound(manifest: Manifest) -> None:
    for spec in list(specs())[::37]:
        stored, _ = soundfile.read(
            manifest.root / f"Session{spec.speaker.session}/{spec.id}.wav", dtype="int16"
        )
        assert np.array_equal(stored, synthesise(spec))


def test_a_second_prepare_makes_nothing(cache: Path, manifest: Manifest) -> None:
    before = {path: path.stat().st_mtime_ns for path in manifest.root.rglob("*")}
    assert synthetic.prepare(cache) == corpus_root(synthetic, None) == manifest.root
    assert {path: path.stat().st_mtime_ns for path in manifest.root.rglob("*")} == before


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four voices' files only, to make them often."""
    some = list(specs())[:4]
    monkeypatch.setattr(synthetic, "specs", lambda: iter(some))


@pytest.mark.usefixtures("few")
def test_an_interrupted_prepare_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(synthetic, "index_text", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            synthetic.prepare(tmp_path)
    assert [path.name for path in (tmp_path / "corpora").iterdir()] == []
    assert (synthetic.prepare(tmp_path) / synthetic.INDEX).is_file()


@pytest.mark.usefixtures("few")
def test_two_at_once_make_one_folder(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def make() -> None:
        try:
            synthetic.prepare(tmp_path)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [path.name for path in (tmp_path / "corpora").iterdir()] == [
        f"SYNTHETIC_voices_v{synthetic.VERSION}"
    ]


@pytest.mark.usefixtures("few")
def test_a_folder_left_half_made_is_made_again(tmp_path: Path) -> None:
    half = tmp_path / "corpora" / f"SYNTHETIC_voices_v{synthetic.VERSION}"
    (half / "Session1").mkdir(parents=True)
    (half / "Session1/half.wav").touch()
    assert not (synthetic.prepare(tmp_path) / "Session1/half.wav").exists()


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match="EMOHARNESS_CACHE"):
        synthetic.prepare(tmp_path / "file")


@pytest.mark.usefixtures("few")
def test_a_damaged_voice_is_named(tmp_path: Path) -> None:
    root = synthetic.prepare(tmp_path)
    victim = sorted(root.rglob("*.wav"))[0]
    victim.write_bytes(victim.read_bytes()[:999])
    kinds = {fault.path: fault.kind for fault in check_corpus(synthetic, root).faults}
    assert kinds[victim.relative_to(root).as_posix()] is FaultKind.UNREADABLE


def cues(wave: np.ndarray) -> list[float]:
    """Level, its spread, length, and energy in five bands: what a listener hears first, in crude numbers."""
    frames = wave[: len(wave) // 400 * 400].reshape(-1, 400)
    level = 20 * np.log10(np.sqrt((frames**2).mean(axis=1)) + 1e-6)
    power = np.abs(np.fft.rfft(frames * np.hanning(400), axis=1)).mean(axis=0) ** 2
    bands = [np.log(part.sum() + 1e-12) for part in np.split(power, [8, 20, 40, 80])]
    return [level.mean(), level.std(), len(wave) / RATE_HZ, *bands]


def test_a_simple_probe_is_well_above_chance_and_below_certainty(manifest: Manifest) -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    waves = [soundfile.read(manifest.root / path)[0] for path in manifest.table["path"]]
    features = np.array([cues(wave) for wave in waves])
    probe: Any = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))
    labels, sessions = (manifest.table[name].to_numpy(dtype=object) for name in ("label", "session"))
    labels = np.array([EMOTIONS.index(label) for label in labels])
    accuracy = cross_val_score(probe, features, labels, groups=sessions, cv=LeaveOneGroupOut()).mean()
    # Chance is 25 %. eGeMAPS with the same probe gives 87 %; eight crude cues must give less, and not nothing.
    assert 0.45 < accuracy < 0.90
