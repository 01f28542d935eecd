"""How fast this machine extracts: the real engine over a few real utterances, whose features are not kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.config import RunConfig
from harness.contracts import CalibratedUpstream, Card, Upstream
from harness.costs import Cost
from harness.forecast._placing import Placing
from harness.forecast._stage import batch_seconds
from harness.forecast._together import Meeting, import_libraries, spread, together
from harness.forecast._work import Extraction

if TYPE_CHECKING:
    from harness.extract import WaveSource

BUDGET_S = 4.0
"""Of one measurement, loading not counted."""
_WARM = 2
"""Clips before the clock is started: memory is laid out, libraries choose their ways."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a measuring process is told."""

    card: Card
    cost: Cost
    device: str
    engine: str
    precision: str
    batch_seconds: float | None
    threads: int
    sources: tuple[WaveSource, ...]
    """All that is missing, shortest first."""
    layers: tuple[int, ...]
    calibrates: bool


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What the measuring processes found, means over them."""

    workers: int
    threads: int
    utterances: int
    """Measured, in all processes."""
    audio_s: float
    """Measured, in all processes."""
    ratio: float
    """Seconds of a worker per second that the card's cost says."""
    s_per_audio_s: float
    """Of one worker."""
    start_s: float
    """Until a new process has imported what it needs."""
    load_s: float
    """Of the model, its libraries included."""
    first_load_s: float
    """As it was before this measurement: a network that is exported is exported once and kept."""
    calibrate_s_per_audio_s: float
    peak_gib: float
    """Of one process, after the clips that were measured."""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """By one process."""

    utterances: int
    audio_s: float
    expected_s: float
    wall_s: float
    start_s: float
    load_s: float
    calibrate_s_per_audio_s: float
    peak_gib: float


def measure_extraction(
    extraction: Extraction, written: Card, config: RunConfig, placing: Placing, device: str
) -> Speed:
    """Measure in as many processes as the run will use; nothing is stored.

    Raises:
        HarnessError: what the run itself would meet: weights that are missing, files that cannot be read.
    """
    task = Task(
        card=written,
        cost=extraction.cost,
        device=device,
        engine=config.engine,
        precision=config.precision,
        batch_seconds=batch_seconds(config, device),
        threads=placing.threads,
        sources=tuple(sorted(extraction.missing, key=lambda one: one.duration_s)),
        layers=extraction.layers,
        calibrates=extraction.calibrated,
    )
    (first_load_s,) = [0.0] if extraction.cost.by_time else together(_loaded, task, 1)
    return _mean(together(_measured, task, placing.workers), placing, first_load_s)


def _mean(seen: Sequence[_Seen], placing: Placing, first_load_s: float) -> Speed:
    count = len(seen)
    wall_s = sum(one.wall_s for one in seen)
    return Speed(
        workers=placing.workers,
        threads=placing.threads,
        utterances=sum(one.utterances for one in seen),
        audio_s=sum(one.audio_s for one in seen),
        ratio=wall_s / sum(one.expected_s for one in seen),
        s_per_audio_s=wall_s / sum(one.audio_s for one in seen),
        start_s=sum(one.start_s for one in seen) / count,
        load_s=max(one.load_s for one in seen),
        first_load_s=first_load_s,
        calibrate_s_per_audio_s=sum(one.calibrate_s_per_audio_s for one in seen) / count,
        peak_gib=max(one.peak_gib for one in seen),
    )


def _loaded(task: Task, number: int, meeting: Meeting, sent: float) -> float:
    """In a process of its own: seconds until the model is there, for the first time."""
    from harness import engines
    from harness.scale import limited

    del number, meeting, sent
    import_libraries()
    begun = time.time()
    with limited(task.threads):
        engines.load(task.card, device=task.device, engine=task.engine, precision=task.precision)
    return time.time() - begun


def _measured(task: Task, number: int, meeting: Meeting, sent: float) -> _Seen:
    """In a process of its own."""
    from harness import engines
    from harness.clock import peak_rss_mib
    from harness.scale import limited

    import_libraries()
    begun = time.time()
    with limited(task.threads), TemporaryDirectory(prefix="emoharness-plan-") as folder:
        upstream = engines.load(task.card, device=task.device, engine=task.engine, precision=task.precision)
        loaded = time.time()
        calibrating = _calibrate(upstream, task, number) if task.calibrates else 0.0
        probe = _Probe(task, upstream, Path(folder))
        middle = spread(task.sources, _WARM + 1)
        probe.take(middle[:_WARM], "warm")
        one = probe.take(middle[-1:], "one")
        meeting.join(number)
        chosen = spread(task.sources, _affordable(one, task), number, meeting.size)
        wall_s = probe.take(chosen, "measured").wall_s
        return _Seen(
            utterances=len(chosen),
            audio_s=sum(source.duration_s for source in chosen),
            expected_s=task.cost.core_s(source.duration_s for source in chosen),
            wall_s=wall_s,
            start_s=begun - sent,
            load_s=loaded - begun,
            calibrate_s_per_audio_s=calibrating,
            peak_gib=peak_rss_mib() / 1024,
        )


@dataclass(frozen=True)
class _Taken:
    wall_s: float
    expected_s: float


class _Probe:
    """Extracts into a folder that is thrown away."""

    def __init__(self, task: Task, upstream: Upstream, folder: Path) -> None:
        self._task, self._upstream, self._folder = task, upstream, folder

    def take(self, sources: Sequence[WaveSource], name: str) -> _Taken:
        """Decode, compute, pool and write these utterances, as a run does."""
        from harness.extract import extract
        from harness.store import Store, StoreKey

        card = self._upstream.card
        key = StoreKey(
            corpus=name,
            corpus_sha256="",
            upstream=card.name,
            weights_sha256="",
            code_version="",
            layers=card.layers,
            dim=card.dim,
            preprocessing={},
        )
        start = time.perf_counter()
        extract(
            self._upstream,
            sources,
            Store(self._folder, key),
            frame_layers=self._task.layers,
            batch_seconds=self._task.batch_seconds,
            device=self._task.device,
        )
        wall_s = time.perf_counter() - start
        return _Taken(wall_s, self._task.cost.core_s(source.duration_s for source in sources))


def _affordable(one: _Taken, task: Task) -> int:
    """How many clips of all lengths fit into the budget, by what a middling one took; at least four."""
    mean_s = task.cost.core_s(source.duration_s for source in task.sources) / len(task.sources)
    each_s = mean_s * one.wall_s / max(one.expected_s, 1e-9)
    return max(4, int(BUDGET_S / max(each_s, 1e-6)))


def _calibrate(upstream: Upstream, task: Task, number: int) -> float:
    """Seconds per second of audio of what a calibrated upstream does before it extracts."""
    import torch

    from harness.audio import load_wave

    if not isinstance(upstream, CalibratedUpstream):
        return 0.0
    heard = spread(task.sources, 24, number)
    start = time.perf_counter()
    rate = upstream.card.sample_rate_hz
    upstream.calibrate(torch.from_numpy(load_wave(one.path, rate, one.start_s, one.end_s)) for one in heard)
    return (time.perf_counter() - start) / sum(one.duration_s for one in heard)
