"""An extraction whose pieces are worked on by the workers of `scale`, each with a model and a store of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness import engines, scale
from harness.config import ScaleConfig
from harness.contracts import Card, Upstream
from harness.extract.plan import Piece
from harness.extract.work import ExtractReport, Progress, Requested, prepare, work_on
from harness.store import Store


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What a worker is told; it loads the model itself, once for all its pieces."""

    card: Card
    device: str
    engine: str
    precision: str
    batch_seconds: float | None
    store: Store

    @cached_property
    def upstream(self) -> Upstream:
        """The loaded model of this process."""
        return engines.load(self.card, device=self.device, engine=self.engine, precision=self.precision)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "upstream"}

    def work_on(self, piece: Piece) -> ExtractReport:
        """Compute a piece and store it, unless that has been done meanwhile."""
        return work_on(
            [piece], self.upstream, self.store, batch_seconds=self.batch_seconds, device=self.device
        )


def spread(
    extraction: Extraction,
    request: Requested,
    presented: Card,
    *,
    settings: ScaleConfig,
    needs: scale.Needs,
    progress: Progress | None = None,
) -> ExtractReport:
    """Have every piece of a request worked on; this process loads no model.

    Args:
        extraction: what workers are told.
        request: what has to be done.
        presented: the card of the features that the card asks for.
        settings: which workers.
        needs: of one piece.
        progress: told seconds of audio as pieces are done.

    Raises:
        HarnessError: as `extract`, and what workers may bring.
    """
    start, store = time.perf_counter(), extraction.store
    prepare(request, store, presented, extraction.batch_seconds)
    reports = scale.run_cells(
        request.todo,
        Extraction.work_on,
        extraction,
        settings=settings,
        needs=needs,
        done=lambda piece: _is_stored(store, piece),
        size=lambda piece: piece.seconds,
        progress=progress,
    )
    store.refresh()
    return _together(reports, request.stored_before, time.perf_counter() - start)


def _is_stored(store: Store, piece: Piece) -> bool:
    store.refresh()
    return not store.missing([source.id for source in piece.sources], piece.lack.layers)


def _together(reports: list[ExtractReport], stored_before: int, wall_s: float) -> ExtractReport:
    """One report; the memory is that of the worker that needed most."""
    worked = [report for report in reports if report.utterances]
    audio_s = sum(sorted(report.audio_s for report in worked))
    padded = sum(sorted(report.padding_share * report.audio_s for report in worked))
    return ExtractReport(
        stored_before=stored_before,
        utterances=sum(report.utterances for report in worked),
        audio_s=audio_s,
        wall_s=wall_s,
        padding_share=padded / audio_s if audio_s else 0.0,
        shards=sum(report.shards for report in worked),
        peak_rss_mib=max((report.peak_rss_mib for report in worked), default=0.0),
        computed=worked[0].computed if worked else None,
    )
