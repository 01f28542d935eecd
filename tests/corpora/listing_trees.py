"""Lays out a corpus's folder from the rows of its listing: the true names, empty or tiny sound, true annotation.

What the owners ship beside the sound (tables, transcripts, JSON) is written by `trees/<corpus>.py`, whose function
`annotate(rows, root)` knows the format; a corpus without such a module is told by its file names alone.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import soundfile

from harness.contracts import CorpusFacts

Row = Mapping[str, Any]
TREES = Path(__file__).resolve().parent / "trees"


def lay_out(
    name: str, rows: Sequence[Row], root: Path, sound: Path | None = None, paths: str = "path"
) -> Path:
    """A file at every row's path below `root`, then the annotation of that corpus; returns `root`.

    Args:
        name: of the corpus.
        rows: of its listing, or some of them.
        root: made where it is missing.
        sound: a sound file that every row becomes a hard link to; None: empty files.
        paths: the column of the listing that says where a file lies (`alt_path`: as another copy has it); a row
            without it lies at its `path`.
    """
    root.mkdir(parents=True, exist_ok=True)
    names = dict.fromkeys(row.get(paths) or row["path"] for row in rows)
    link_all(root, names, sound)
    annotation = annotator(name)
    if annotation is not None:
        annotation.annotate(rows, root)
    return root


def expected(name: str, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows that the corpus's module reads: all, unless `trees/<name>.py` selects some with `expected(rows)`."""
    select = getattr(annotator(name), "expected", None)
    return rows if select is None else select(rows)


def link_all(root: Path, names: Iterable[str], sound: Path | None = None) -> None:
    """A file at every one of these relative paths, all of them one file on disk; folders are made as needed."""
    source = sound
    made: set[Path] = set()
    for name in names:
        path = root / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        if source is None:
            source = path
            path.touch()
        else:
            path.hardlink_to(source)


def tiny_sound(path: Path, facts: CorpusFacts, seconds: float = 0.05) -> Path:
    """A short noise of the corpus's own rate and channel count."""
    shape = (round(seconds * facts.sample_rate_hz), facts.channels[0])
    noise = np.random.default_rng(0).integers(-2000, 2000, shape, dtype=np.int16)
    soundfile.write(path, noise, facts.sample_rate_hz, subtype="PCM_16")
    return path


def annotator(name: str) -> ModuleType | None:
    """The module that writes this corpus's annotation, where there is one."""
    path = TREES / f"{name}.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location(f"tree_of_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
