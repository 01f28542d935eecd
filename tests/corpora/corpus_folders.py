"""What tests write into a corpus's folder, and what they ask of it then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from harness.contracts import Utterance
from harness.corpora import OnFault, check_corpus, load_corpus
from harness.manifest import Fault, Manifest


def by_id(module: Any, root: Path) -> dict[str, Utterance]:
    return {one.id: one for one in module.read(root)}


def only(module: Any, root: Path) -> Utterance:
    """The one row whose file is there."""
    here: list[Utterance] = [one for one in module.read(root) if (root / one.path).is_file()]
    (found,) = here
    return found


def loaded(module: Any, root: Path, on_fault: OnFault = "stop") -> Manifest:
    return load_corpus(module, root, on_fault)


def faults(module: Any, root: Path) -> tuple[Fault, ...]:
    return check_corpus(module, root).faults


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def write(path: Path, *lines: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding=encoding)


def rewrite(path: Path, content: bytes) -> None:
    """Another content for one of many names of the same file."""
    path.unlink()
    path.write_bytes(content)


def write_sound(path: Path, rate_hz: int, channels: int) -> None:
    path.unlink(missing_ok=True)
    noise = np.random.default_rng(1).integers(-999, 999, (rate_hz // 10, channels), dtype=np.int16)
    soundfile.write(path, noise, rate_hz, subtype="PCM_16")
