"""The work itself: claim a shard, decode ahead in threads, compute, store, and go on until nothing is missing."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from harness.audio import load_wave
from harness.clock import peak_rss_mib
from harness.contracts import Card, Upstream
from harness.engines import Computed, computed
from harness.errors import AudioError, ConfigError
from harness.extract.plan import Piece, WaveSource, batches, pieces, shard_count, unique
from harness.extract.states import features_of
from harness.store import Claim, Store, UtteranceFeatures

Progress = Callable[[float, float], None]
"""Told how many seconds of audio are done, and how many there are to do."""

BATCHES_AHEAD = 2
DECODERS = 4
POLL_S = 0.2
"""Between two looks at work that another process has claimed."""


@dataclass(kw_only=True)
class ExtractReport:
    """What an extraction did and cost."""

    stored_before: int = 0
    """Utterances that needed nothing."""
    utterances: int = 0
    """Extracted by this process; those that another one did meanwhile are in neither figure."""
    audio_s: float = 0.0
    wall_s: float = 0.0
    padding_share: float = 0.0
    """Of all samples that went through the upstream."""
    shards: int = 0
    peak_rss_mib: float = 0.0
    computed: Computed | None = None
    """What computed the network; None where nothing was extracted."""

    @property
    def seconds_per_audio_second(self) -> float | None:
        """Wall time per second of audio; None where nothing was extracted."""
        return self.wall_s / self.audio_s if self.audio_s else None


@dataclass
class _Open:
    """A claimed piece on its way: what is computed so far."""

    piece: Piece
    claim: Claim
    sources: list[WaveSource]
    features: list[UtteranceFeatures] = field(default_factory=list)


class _Batch(NamedTuple):
    shard: _Open
    sources: list[WaveSource]
    waves: list[Future[NDArray[np.float32]]]


def extract(
    upstream: Upstream,
    utterances: Iterable[WaveSource],
    store: Store,
    *,
    frame_layers: Iterable[int] = (),
    batch_seconds: float | None = 60.0,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> ExtractReport:
    """Bring the store to hold means and deviations of all utterances, and frames of the layers asked for.

    Any number of processes may do so at once and share the work. A process that is killed loses the shards it
    had claimed and nothing else. A calibrated upstream is calibrated by the caller.

    Args:
        upstream: a loaded model; its network is moved to `device` and set to evaluation.
        utterances: what is wanted, in any order.
        store: the store whose key describes this upstream.
        frame_layers: layers whose frames are kept, counted from 0.
        batch_seconds: padded audio in a batch; a longer clip goes alone. None: every clip goes alone.
        device: where the upstream computes.
        progress: called after every batch.

    Raises:
        AudioError: a file that cannot be read, or a clip too short for a frame.
        CheckError: the upstream breaks a promise (shapes, NaN).
        ConfigError: a batch does not fit into the device's memory, or `batch_seconds` is not positive.
        StoreError: the store cannot be written.
    """
    request = requested(utterances, store, upstream.card, frame_layers)
    return extract_requested(
        request, upstream, store, batch_seconds=batch_seconds, device=device, progress=progress
    )


class Requested(NamedTuple):
    """What an extraction has to do."""

    todo: list[Piece]
    lacking: list[WaveSource]
    """In `todo`, longest first."""
    stored_before: int
    """Utterances that need nothing."""
    pieces: int
    """Of the whole request, stored ones included."""


def requested(
    utterances: Iterable[WaveSource], store: Store, card: Card, frame_layers: Iterable[int] = ()
) -> Requested:
    """Compare what is wanted with what is stored; see `extract`."""
    sources, layers = unique(utterances), sorted(set(frame_layers))
    lacking = store.lacking([source.id for source in sources], layers)
    return Requested(
        pieces(sources, lacking, card, layers),
        [source for source in sources if source.id in lacking],
        len(sources) - len(lacking),
        shard_count(sources, card, layers),
    )


def extract_requested(
    request: Requested,
    upstream: Upstream,
    store: Store,
    *,
    batch_seconds: float | None,
    device: str | torch.device,
    progress: Progress | None = None,
) -> ExtractReport:
    """The second half of `extract`, for whoever has looked at the request."""
    start = time.perf_counter()
    prepare(request, store, upstream.card, batch_seconds)
    report = ExtractReport()
    if request.todo:
        report = work_on(
            request.todo, upstream, store, batch_seconds=batch_seconds, device=device, progress=progress
        )
    wall_s = time.perf_counter() - start
    return replace(report, stored_before=request.stored_before, wall_s=wall_s, peak_rss_mib=peak_rss_mib())


def prepare(request: Requested, store: Store, card: Card, batch_seconds: float | None) -> None:
    """Refuse what cannot be extracted, and sweep the store, before any piece is worked on.

    Raises:
        AudioError: a file that cannot be read, or a clip too short for a frame.
        ConfigError: `batch_seconds` is not positive.
        StoreError: the store cannot be written.
    """
    if batch_seconds is not None and not batch_seconds > 0:
        raise ConfigError("a batch needs a positive length", got=batch_seconds, wanted="batch_seconds > 0")
    if not request.todo:
        return
    _refuse_short(request.lacking, card)
    store.prepare()


def work_on(
    todo: Sequence[Piece],
    upstream: Upstream,
    store: Store,
    *,
    batch_seconds: float | None,
    device: str | torch.device,
    progress: Progress | None = None,
) -> ExtractReport:
    """Compute and store pieces, those that another process holds when it gives them up; see `extract`."""
    start = time.perf_counter()
    report = ExtractReport(computed=computed(upstream))
    with ThreadPoolExecutor(min(DECODERS, os.cpu_count() or 1), "decode") as pool:
        worker = _Worker(
            upstream=upstream,
            store=store,
            pool=pool,
            device=torch.device(device),
            batch_seconds=batch_seconds,
            report=report,
            progress=progress,
            total_s=sum(piece.seconds for piece in todo),
        )
        worker.run(list(todo))
    report.wall_s, report.peak_rss_mib = time.perf_counter() - start, peak_rss_mib()
    return report


@dataclass(kw_only=True)
class _Worker:
    """One process' share of an extraction."""

    upstream: Upstream
    store: Store
    pool: ThreadPoolExecutor
    device: torch.device
    batch_seconds: float | None
    report: ExtractReport
    progress: Progress | None
    total_s: float
    done_s: float = 0.0
    samples: int = 0
    padded_samples: int = 0

    def run(self, todo: list[Piece]) -> None:
        """Do everything that nobody else does, look again at what others had claimed, until all is stored."""
        if self.upstream.module is not None:
            self.upstream.module.to(self.device).eval()
        while todo:
            held = self._pass(todo)
            if len(held) == len(todo):
                time.sleep(POLL_S)
            todo = held
        if self.padded_samples:
            self.report.padding_share = 1 - self.samples / self.padded_samples

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(min(self.done_s, self.total_s), self.total_s)

    def _pass(self, todo: Sequence[Piece]) -> list[Piece]:
        """Go through the pieces once; those that another process holds are returned."""
        held: list[Piece] = []
        with ExitStack() as claimed:
            for batch in self._ahead(self._claimed(todo, held, claimed)):
                batch.shard.features += self._compute(batch)
                if len(batch.shard.features) == len(batch.shard.sources):
                    self._store(batch.shard)
                self.done_s += sum(source.duration_s for source in batch.sources)
                self._tell()
        self._tell()
        return held

    def _claimed(
        self, todo: Sequence[Piece], held: list[Piece], claimed: ExitStack
    ) -> Iterator[tuple[_Open, list[WaveSource]]]:
        for piece in todo:
            claim = self.store.claim(piece.name)
            if claim is None:
                held.append(piece)
                continue
            claimed.callback(claim.release)
            sources = self._still_missing(piece)
            self.done_s += piece.seconds - sum(source.duration_s for source in sources)
            if not sources:
                claim.release()
            shard = _Open(piece, claim, sources)
            yield from ((shard, batch) for batch in batches(sources, self.batch_seconds))

    def _still_missing(self, piece: Piece) -> list[WaveSource]:
        """Asked under the claim: another process may have stored it since the plan was made."""
        self.store.refresh()
        missing = set(self.store.missing([source.id for source in piece.sources], piece.lack.layers))
        return [source for source in piece.sources if source.id in missing]

    def _ahead(self, planned: Iterable[tuple[_Open, list[WaveSource]]]) -> Iterator[_Batch]:
        """Have the next batches decoded while this one is computed."""
        coming: deque[_Batch] = deque()
        for shard, sources in planned:
            waves = [self.pool.submit(_load, source, self.upstream.card) for source in sources]
            coming.append(_Batch(shard, sources, waves))
            if len(coming) > BATCHES_AHEAD:
                yield coming.popleft()
        while coming:
            yield coming.popleft()

    def _compute(self, batch: _Batch) -> list[UtteranceFeatures]:
        waves = [torch.from_numpy(future.result()) for future in batch.waves]
        lengths = torch.tensor([len(wave) for wave in waves])
        padded = torch.nn.utils.rnn.pad_sequence(waves, batch_first=True)
        self.samples += int(lengths.sum())
        self.padded_samples += padded.numel()
        ids = [source.id for source in batch.sources]
        try:
            with torch.inference_mode():
                hidden = self.upstream.extract(padded.to(self.device), lengths.to(self.device))
                return features_of(ids, hidden, self.upstream.card, batch.shard.piece.lack.layers)
        except torch.OutOfMemoryError as error:
            raise _too_large(ids, lengths.tolist(), self.upstream.card, self.device) from error

    def _store(self, shard: _Open) -> None:
        lack = shard.piece.lack
        self.store.write(shard.claim, shard.features, means=lack.means, frame_layers=lack.layers)
        shard.claim.release()
        self.report.shards += 1
        self.report.utterances += len(shard.sources)
        self.report.audio_s += sum(source.duration_s for source in shard.sources)


def _load(source: WaveSource, card: Card) -> NDArray[np.float32]:
    wave = load_wave(source.path, card.sample_rate_hz, source.start_s, source.end_s)
    if len(wave) < card.min_samples:
        raise _too_short([(source, len(wave))], card)
    return wave


def _refuse_short(sources: Iterable[WaveSource], card: Card) -> None:
    """Look at the shortest clips before the work begins; they come last in it.

    A planned duration may be a little off, so what is near the limit is decoded and counted.
    """
    near = (source for source in sources if source.duration_s * card.sample_rate_hz < 2 * card.min_samples)
    counted = (
        (source, len(load_wave(source.path, card.sample_rate_hz, source.start_s, source.end_s)))
        for source in near
    )
    short = [(source, samples) for source, samples in counted if samples < card.min_samples]
    if short:
        raise _too_short(short, card)


def _too_short(short: Sequence[tuple[WaveSource, int]], card: Card) -> AudioError:
    short = sorted(short, key=lambda item: item[1])
    named = ", ".join(f"{samples} samples in {source.path} ({source.id})" for source, samples in short[:5])
    return AudioError(
        f"{len(short)} clip{'s are' if len(short) > 1 else ' is'} too short for {card.name}",
        got=named + (", ..." if len(short) > 5 else ""),
        wanted=f"at least {card.min_samples} samples at {card.sample_rate_hz} Hz",
        next_step="leave these utterances out, or choose an upstream that takes shorter clips",
    )


def _too_large(ids: Sequence[str], lengths: Sequence[int], card: Card, device: torch.device) -> ConfigError:
    return ConfigError(
        f"{card.name} does not fit into the memory of {device}",
        got=f"{len(ids)} clips of up to {max(lengths) / card.sample_rate_hz:.1f} s, the first is {ids[0]}",
        wanted="a batch that fits",
        next_step="lower batch_seconds, or device=cpu",
    )
