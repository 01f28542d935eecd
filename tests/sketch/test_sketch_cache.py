"""What was measured is kept, and made anew where what is kept cannot be trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.audio import MissingAudioError
from harness.manifest import Manifest
from harness.sketch import Sketches, sketch_manifest

RATE_HZ = 16_000
ManifestOf = Callable[..., Manifest]


@pytest.fixture
def manifest(
    manifest_of: ManifestOf, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Manifest:
    """Twenty files of noise, with a cache of their own."""
    monkeypatch.setenv("EMOHARNESS_CACHE", str(tmp_path / "cache"))
    draw = np.random.default_rng(3)
    return manifest_of(
        {f"u{k:02d}.wav": (0.1 * draw.standard_normal(3200 + 400 * k), RATE_HZ) for k in range(20)}
    )


def kept(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "cache" / "sketch").glob("*.npz")
    return path


def assert_equal(one: Sketches, other: Sketches) -> None:
    pd.testing.assert_frame_equal(one.table, other.table)
    for a, b in zip(one.prints, other.prints, strict=True):
        np.testing.assert_array_equal(a, b)


def test_measured_once(manifest: Manifest, tmp_path: Path) -> None:
    """The second time no file is opened: they may be gone."""
    first = sketch_manifest(manifest)
    for path in manifest.table["path"]:
        (manifest.root / path).unlink()
    assert_equal(sketch_manifest(manifest), first)
    assert list(first.table.index) == manifest.table["id"].tolist()
    assert first.table.index.name == "id"


def test_another_order_is_the_same_content(manifest: Manifest) -> None:
    """What is kept is given in the order of the manifest that asks."""
    first = sketch_manifest(manifest)
    turned = dataclasses.replace(manifest, table=manifest.table.iloc[::-1])
    second = sketch_manifest(turned)
    pd.testing.assert_frame_equal(second.table, first.table.iloc[::-1])
    np.testing.assert_array_equal(second.prints.codes, first.prints.take(np.arange(19, -1, -1)).codes)


@pytest.mark.parametrize("keep", [0, 10, 1000, -1])
def test_a_damaged_file_is_made_anew(manifest: Manifest, tmp_path: Path, keep: int) -> None:
    """Empty, cut, or a byte turned."""
    first = sketch_manifest(manifest)
    path = kept(tmp_path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    damaged = (
        whole[:keep] if keep >= 0 else whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    )
    path.write_bytes(damaged)
    assert_equal(sketch_manifest(manifest), first)
    assert path.read_bytes() != damaged


def test_other_utterances_are_measured(manifest: Manifest) -> None:
    """A part of the corpus has its own file."""
    first = sketch_manifest(manifest)
    some = sketch_manifest(dataclasses.replace(manifest, table=manifest.table.iloc[3:9]))
    pd.testing.assert_frame_equal(some.table, first.table.iloc[3:9])
    assert len(some.prints) == 6


def test_progress_is_told(manifest: Manifest) -> None:
    """It rises to the end, also where all is known."""
    told: list[tuple[int, int]] = []
    sketch_manifest(manifest, lambda done, total: told.append((done, total)))
    assert told[-1] == (20, 20)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    told.clear()
    sketch_manifest(manifest, lambda done, total: told.append((done, total)))
    assert told == [(20, 20)]


def test_a_file_that_is_gone_is_named(manifest: Manifest) -> None:
    """And nothing is kept."""
    (manifest.root / "u13.wav").unlink()
    with pytest.raises(MissingAudioError, match=r"u13\.wav"):
        sketch_manifest(manifest)


def test_no_place_to_keep_is_no_fault(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told."""
    (tmp_path / "a_file").write_text("")
    monkeypatch.setenv("EMOHARNESS_CACHE", str(tmp_path / "a_file"))
    assert len(sketch_manifest(manifest)) == 20
    assert "cannot be kept" in caplog.text
