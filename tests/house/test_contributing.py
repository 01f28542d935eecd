"""CONTRIBUTING.md is followed word for word, in a copy of the project."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, list[tuple[str, str]]]:
    """Heading -> its code blocks as (language, text)."""
    parts = re.split(
        r"^## (Add .*)$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return {title: BLOCK.findall(body) for title, body in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four packages in a folder of their own, and audio for the corpus walk-through."""
    folder = tmp_path_factory.mktemp("contributing")
    for name in ("harness", "upstreams", "downstreams", "recipes"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    draw = np.random.default_rng(0)
    for speaker in ("ada", "ben", "cleo", "dan"):
        (folder / "mini_audio" / speaker).mkdir(parents=True)
        for label in ("joy", "rage"):
            for number in range(3):
                path = folder / "mini_audio" / speaker / f"{label}_{number}.wav"
                soundfile.write(path, draw.normal(0, 0.05 if label == "joy" else 0.2, 8000), 16_000)
    return folder


def test_there_is_one_for_everything_that_can_be_added() -> None:
    wanted = {"a corpus", "a checkpoint", "a model family", "a head", "a protocol", "a metric"}
    assert {title.removeprefix("Add ") for title in sections()} == wanted


@pytest.mark.parametrize("title", list(sections()))
def test_walk_through(copy: Path, title: str) -> None:
    """One file is written, then every command must succeed."""
    blocks = sections()[title]
    files = [text for language, text in blocks if language != "sh"]
    assert len(files) == 1, "each thing is added with one file"
    first, _, body = files[0].partition("\n")
    (copy / first.removeprefix("# file: ")).write_text(body, encoding="utf-8")
    commands = [line for language, text in blocks if language == "sh" for line in text.splitlines()]
    assert commands
    for command in commands:
        words = [sys.executable, *shlex.split(command)[1:]]
        extra = ["track=false"] if "run" in words else []
        environment = os.environ | {"PYTHONPATH": str(copy)}
        done = subprocess.run(
            [*words, *extra], cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
