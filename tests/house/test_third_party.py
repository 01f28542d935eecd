"""A real third-party package, really installed, joins by entry points."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plug-in package, built and installed into a folder of its own by pip, without a network."""
    work = tmp_path_factory.mktemp("third_party")
    source = shutil.copytree(Path(__file__).parent / "plugin_package", work / "source")
    target = work / "site"
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True)
    return target


def harness(site: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site)} | more
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_is_listed(site: Path) -> None:
    done = harness(site, "list")
    assert done.returncode == 0, done.stderr
    for line in ("tiny_energy", "tiny_nearest", "tiny_run"):
        assert line in done.stdout


def test_keeps_its_promises(site: Path) -> None:
    done = harness(site, "check", "upstream=tiny_energy")
    assert done.returncode == 0, done.stderr
    assert "BROKEN" not in done.stdout


def test_runs_its_own_recipe(site: Path, tmp_path: Path) -> None:
    done = harness(site, "run", "recipe=tiny_run", f"results={tmp_path}/results", "track=false")
    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC" in done.stdout
    assert (
        len(list((tmp_path / "results" / "records").glob("tiny_run--tiny_energy--tiny_nearest--*.json"))) == 1
    )


def _taking(site: Path, tmp_path: Path, text: str) -> Path:
    """A copy of the installed package with other entry points."""
    copy = shutil.copytree(site, tmp_path / "site")
    (path,) = copy.glob("*.dist-info/entry_points.txt")
    path.write_text(text, encoding="utf-8")
    return copy


def test_a_taken_name_is_an_error(site: Path, tmp_path: Path) -> None:
    copy = _taking(site, tmp_path, "[emoharness.downstreams]\nridge = tiny_plugin.nearest\n")
    done = harness(copy, "list", "head")
    assert done.returncode == 2
    assert "ridge" in done.stderr
    assert "taken" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plug_in_that_does_not_load_is_an_error(site: Path, tmp_path: Path) -> None:
    copy = _taking(site, tmp_path, "[emoharness.downstreams]\nhollow = tiny_plugin.gone\n")
    done = harness(copy, "run", "recipe=synthetic_5fold", "head=hollow", f"results={tmp_path}/results")
    assert done.returncode == 2
    assert "tiny_plugin.gone" in done.stderr
    assert "Traceback" not in done.stderr
