"""One decoding pass over a manifest; what it measured is kept until the audio or the measure changes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.audio import load_wave
from harness.manifest import Manifest
from harness.paths import cache_root
from harness.sketch._level import Level, measure_level
from harness.sketch._prints import VERSION, Prints, print_of
from harness.sketch._sketches import Sketches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

CHUNK = 8
"""Utterances per piece of work: few enough that a small corpus keeps all threads busy."""

Progress = Callable[[int, int], None]


class _Sound(NamedTuple):
    path: Path
    sample_rate_hz: int
    start_s: float | None
    end_s: float | None


class _One(NamedTuple):
    level: Level
    codes: NDArray[np.uint32]
    weak: NDArray[np.uint32]


def sketch_manifest(manifest: Manifest, progress: Progress | None = None) -> Sketches:
    """Measure every utterance, in threads; utterances are decoded one by one and never held together.

    Args:
        manifest: of a corpus whose files are there.
        progress: told how many utterances of how many are done.

    Raises:
        AudioError: a file has become unreadable since the manifest was made.
    """
    ids = manifest.table["id"].tolist()
    kept_at = cache_root() / "sketch" / f"v{VERSION}-{manifest.content_hash()}.npz"
    sketches = Sketches.load(kept_at, ids)
    if sketches is None:
        sketches = _collect(ids, _measured(_sounds(manifest), progress))
        _keep(sketches, kept_at)
    elif progress is not None:
        progress(len(ids), len(ids))
    return sketches


def _sounds(manifest: Manifest) -> list[_Sound]:
    rows = manifest.table[["path", "sample_rate_hz", "start_s", "end_s"]].itertuples(index=False, name=None)
    return [
        _Sound(manifest.root / path, int(rate_hz), _known(start_s), _known(end_s))
        for path, rate_hz, start_s, end_s in rows
    ]


def _known(time_s: float) -> float | None:
    """A manifest writes NaN where a whole file is meant."""
    return None if time_s != time_s else time_s  # noqa: PLR0124


def _measured(sounds: Sequence[_Sound], progress: Progress | None) -> Iterator[_One]:
    """In order; libsndfile, numpy and SHA-256 work outside the interpreter's lock."""
    chunks = [sounds[first : first + CHUNK] for first in range(0, len(sounds), CHUNK)]
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    done = 0
    try:
        for measured in pool.map(lambda chunk: [_measure(sound) for sound in chunk], chunks):
            yield from measured
            done += len(measured)
            if progress is not None:
                progress(done, len(sounds))
    finally:
        pool.shutdown(cancel_futures=True)


def _measure(sound: _Sound) -> _One:
    wave = load_wave(sound.path, sound.sample_rate_hz, sound.start_s, sound.end_s)
    return _One(measure_level(wave, sound.sample_rate_hz), *print_of(wave, sound.sample_rate_hz))


def _collect(ids: Sequence[str], measured: Iterator[_One]) -> Sketches:
    import numpy as np
    import pandas as pd

    ones = list(measured)
    table = pd.DataFrame.from_records([one.level for one in ones], columns=list(Level._fields))
    table.index = pd.Index(ids, name="id", dtype=object)
    none = np.zeros(0, np.uint32)
    prints = Prints(
        np.concatenate([none, *(one.codes for one in ones)]),
        np.concatenate([none, *(one.weak for one in ones)]),
        np.cumsum([0, *(len(one.codes) for one in ones)], dtype=np.int64),
    )
    return Sketches(table, prints)


def _keep(sketches: Sketches, path: Path) -> None:
    try:
        sketches.save(path)
    except OSError as fault:
        log.warning("the sketches cannot be kept in %s (%s); they are made again next time", path, fault)
