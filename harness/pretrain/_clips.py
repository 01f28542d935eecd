"""The audio of a pre-training: every utterance with its length, from corpora or from plain folders."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.audio import SUFFIXES, AudioInfo, load_wave
from harness.corpora import inspect_files
from harness.errors import CorpusError
from harness.manifest import FaultKind, Manifest
from harness.pretrain._config import BatchRule
from harness.progress import progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOG = logging.getLogger("harness")
RATE_HZ = 16_000


class Clip(NamedTuple):
    """One utterance that can be heard."""

    path: Path
    start_s: float | None
    end_s: float | None
    samples: int
    """At 16 kHz, as its length says; decoding may give one more or less."""
    content: str
    """SHA-256 of the decoded samples of its file."""
    silent: bool = False
    """Every sample of its file is zero."""

    def wave(self) -> NDArray[np.float32]:
        """(samples,) float32 at 16 kHz."""
        return load_wave(self.path, RATE_HZ, start_s=self.start_s, end_s=self.end_s)

    def shares_sound(self, other: Clip) -> bool:
        """Whether both hold a piece of the same sound, in one file or in two equal ones."""
        if self.content != other.content:
            return False
        return self._from_s < other._to_s and other._from_s < self._to_s

    @property
    def _from_s(self) -> float:
        return self.start_s or 0.0

    @property
    def _to_s(self) -> float:
        return math.inf if self.end_s is None else self.end_s


def clips_of_manifest(manifest: Manifest, ids: Iterable[str] | None = None) -> list[Clip]:
    """The utterances of a corpus, or those of them that are named; labels are not looked at."""
    table = manifest.table
    rows = table if ids is None else table.set_index("id", drop=False).loc[list(ids)]
    silent = {fault.path for fault in manifest.faults if fault.kind is FaultKind.SILENT}
    return [_clip(manifest.root, row, row["path"] in silent) for row in rows.to_dict("records")]


def _clip(root: Path, row: Mapping[Any, Any], silent: bool) -> Clip:
    start_s, end_s = (None if math.isnan(row[name]) else float(row[name]) for name in ("start_s", "end_s"))
    samples = round(row["duration_s"] * RATE_HZ)
    return Clip(root / row["path"], start_s, end_s, samples, row["content"], silent)


def clips_of_folder(folder: Path) -> list[Clip]:
    """Every sound file below a folder that can be decoded; names that start with a dot are left out.

    Raises:
        CorpusError: there is no such folder, or no sound that can be decoded in it.
    """
    paths = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    with progress(f"measuring {folder.name}") as advance:
        measured = inspect_files(folder, paths, advance) if paths else {}
    broken = {path: info for path, info in measured.items() if not isinstance(info, AudioInfo)}
    if broken:
        path, fault = next(iter(broken.items()))
        _LOG.warning(
            "%d sound files cannot be decoded and are left out, first %s: %s", len(broken), path, fault
        )
    found = [
        Clip(folder / path, None, None, round(info.duration_s * RATE_HZ), info.pcm_sha256, info.silent)
        for path, info in measured.items()
        if isinstance(info, AudioInfo)
    ]
    if not found:
        raise CorpusError(
            "there is no sound to pre-train on",
            got=f"{folder}: {len(paths)} sound files, none of which can be decoded",
            wanted="a folder with sound files at any depth",
            next_step="check audio=DIR",
        )
    return found


class Usable(NamedTuple):
    """What can be trained on, and an account of the rest."""

    clips: list[Clip]
    left_out: dict[str, int]
    """reason -> utterances"""


def usable(clips: Sequence[Clip], rule: BatchRule) -> Usable:
    """Those that are long enough and not silent.

    Raises:
        CorpusError: none is.
    """
    reasons = [_left_out(clip, rule) for clip in clips]
    kept = [clip for clip, reason in zip(clips, reasons, strict=True) if not reason]
    if not kept:
        raise CorpusError(
            "every utterance is silent, or shorter than the shortest that is trained on",
            got=f"{len(clips)} utterances, the longest {max((clip.samples for clip in clips), default=0)} samples",
            wanted=f"at least one of {rule.shortest} samples at 16 kHz",
            next_step="give other audio, or set batch.shortest lower",
        )
    return Usable(kept, dict(Counter(reason for reason in reasons if reason)))


def _left_out(clip: Clip, rule: BatchRule) -> str:
    if clip.silent:
        return "silent"
    return "too short" if clip.samples < rule.shortest else ""
