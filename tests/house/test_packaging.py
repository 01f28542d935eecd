"""What a wheel holds, and what a stray folder does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_wheel_ships_four_packages_and_nothing_else(tmp_path: Path) -> None:
    """Never `tests` or `results`; all YAML and indexes are in it."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("harness", "upstreams", "downstreams", "recipes", "tests", "results"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "cells"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("emoharness-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "harness",
        "upstreams",
        "downstreams",
        "recipes",
    }
    assert "harness/py.typed" in names
    for path in [*(ROOT / "recipes").rglob("*.yaml"), *(ROOT / "harness").rglob("*.tsv")]:
        assert path.relative_to(ROOT).as_posix() in names


def test_a_stray_folder_that_hides_ours_is_named(tmp_path: Path) -> None:
    """Somebody's own `upstreams` folder before ours on the path gets a message, not odd behaviour."""
    stray = tmp_path / "upstreams"
    stray.mkdir()
    (stray / "__init__.py").touch()
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from harness.cli import main; sys.exit(main(['list']))"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert "shadows" in done.stderr
    assert str(stray) in done.stderr
