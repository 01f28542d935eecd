"""The features of a study: extracted where they are missing, read back as the view that the head asks for.

Every corpus has one store per upstream, or one per fold where the upstream is calibrated on its training part.
The model is loaded only when something is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from harness import engines, models, registry, scale, weights
from harness.adapt import zscored
from harness.audio import MIXING, load_wave
from harness.config import card_named
from harness.contracts import CalibratedUpstream, Card, Fold, Means, PackedFrames, Upstream
from harness.costs import CORE_FLOP_PER_S, cost_of
from harness.extract import (
    Extraction,
    ExtractReport,
    Requested,
    WaveSource,
    extract_requested,
    requested,
    spread,
)
from harness.inputs import reads_speech, text_card
from harness.joint import Source
from harness.manifest import Manifest
from harness.paths import cache_root
from harness.progress import Advance, progress
from harness.store import Store, StoreKey, open_store
from harness.study import Study
from harness.texts import Texts, load_encoder
from harness.views import View, frame_layers, frames_view, means_view, reordered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


Stores: TypeAlias = tuple[Store, ...]
"""One per corpus of the study, in its order."""


GPU_BATCH_SECONDS = 60.0
GPU_FLOP_PER_S = 20e12
"""Of a GPU in fp32, to tell a small extraction from a large one."""
SMALL_S = 15.0
"""An extraction that takes one worker less is done in this process."""


class Request(NamedTuple):
    """What is wanted of one upstream over one corpus."""

    upstream: str
    source: Source
    store: Store | None
    """None where its name is not known yet."""
    waves: list[WaveSource]
    layers: Sequence[int]
    """Whose frames are kept."""


class Features:
    """Gives a head its view of any utterances of a study."""

    def __init__(self, study: Study, card: Card | None = None) -> None:
        self._study, self._written = study, card or study.config.upstream
        self._view = study.view if card is None else View(kind="last")
        self._device = models.choose_device(study.config.device)
        self._stores: dict[str, Stores] = {}
        self.reports: list[ExtractReport] = []
        self.calibration: dict[str, dict[str, float]] = {}
        self._further = [] if card else [Features(study, card_named(name)) for name in study.config.beside]

    def __getstate__(self) -> dict[str, Any]:
        """For a worker: what is known, calibrations and open stores included, without what is loaded."""
        loaded = ("upstream", "texts")
        return {name: value for name, value in self.__dict__.items() if name not in loaded} | {"reports": []}

    @cached_property
    def upstream(self) -> Upstream:
        """The loaded model; loading it is put off until something is missing."""
        config = self._study.config
        return engines.load(
            self._written, device=self._device, engine=config.engine, precision=config.precision
        )

    @cached_property
    def texts(self) -> Texts | None:
        """The texts' vectors, where the head is given any."""
        card = text_card(self._study.config)
        load = partial(load_encoder, device=self._device)
        return None if card is None else Texts(card, load, self._study.config.store)

    @cached_property
    def _calibrates(self) -> bool:
        return hasattr(models.family(self._written), "CALIBRATES")

    def prepare(self, fold: Fold) -> Stores:
        """The stores that serve a fold, holding everything that the head needs of its three parts.

        Texts and further upstreams are seen to as well; where the head is given texts alone, there are no stores.
        """
        if self.texts is not None:
            self.texts.prepare(self._study.texts(self._study.read_utterances()))
        if not reads_speech(self._study.config):
            return ()
        for other in self._further:
            other.prepare(fold)
            self.reports, other.reports = [*self.reports, *other.reports], []
        if self._calibrates:
            return self._calibrated_stores(fold)
        if "all" not in self._stores:
            self._stores["all"] = self._open({})
            self._fill(self._stores["all"], "extracting")
        return self._stores["all"]

    def _calibrated_stores(self, fold: Fold) -> Stores:
        if fold.name not in self._stores:
            upstream = self.upstream
            if not isinstance(upstream, CalibratedUpstream):
                raise TypeError(f"{self._written.family} says CALIBRATES and cannot calibrate")
            numbers = dict(
                upstream.calibrate(self._waves(self._study.utterances_of(self._study.by_id(fold.train))))
            )
            self.calibration[fold.name] = numbers
            self._stores[fold.name] = self._open(numbers)
            self._fill(self._stores[fold.name], f"extracting, calibrated on {fold.name}")
        return self._stores[fold.name]

    def view(self, stores: Stores, ids: Sequence[str]) -> Means | PackedFrames:
        """Time means or packed frames of these utterances, in this order.

        Where speakers are standardised, their statistics are those of `ids`: give all utterances of the study.
        """
        view = self.stored(stores, ids)
        groups = self._study.speaker_groups(ids)
        return view if groups is None else zscored(view, groups)

    def columns(
        self, fold: Fold, ids: Sequence[str]
    ) -> tuple[list[NDArray[np.float32]], NDArray[np.float32] | None]:
        """What a head that reads conversations is given of these utterances, before it is scaled.

        Returns:
            (utterances, dim) time means of one layer per upstream, and the texts' vectors, where asked for.
        """
        stores = self.prepare(fold)
        spoken = [self, *self._further] if reads_speech(self._study.config) else []
        views = [one.view(stores if one is self else one.prepare(fold), ids) for one in spoken]
        texts = None if self.texts is None else self.texts.vectors(self._study.texts(ids))
        return [view.values[:, 0].numpy() for view in views], texts

    def stored(self, stores: Stores, ids: Sequence[str]) -> Means | PackedFrames:
        """The view of these utterances as it is stored: of any part of a study, in this order."""
        read = frames_view if self._reads_frames else means_view
        if len(stores) == 1:
            return read(stores[0], ids, self._view)
        owned, views = self._owned(ids), []
        for store, source, own in zip(stores, self._study.sources, owned, strict=True):
            if own:
                views.append(read(store, source.own(own), self._view))
        places = {name: place for place, name in enumerate(ids)}
        return reordered(views, [places[name] for own in owned for name in own])

    def row_counts(self, stores: Stores, ids: Sequence[str]) -> NDArray[np.int64]:
        """(utterances,): the rows of each in the view, its frames or one vector of time means."""
        import numpy as np

        counts = np.ones(len(ids), np.int64)
        if self._reads_frames:
            places = {name: place for place, name in enumerate(ids)}
            for store, source, own in zip(stores, self._study.sources, self._owned(ids), strict=True):
                counts[[places[name] for name in own]] = store.frame_counts(source.own(own))
        return counts

    def _owned(self, ids: Sequence[str]) -> list[list[str]]:
        """The utterances of each corpus."""
        return [[name for name in ids if name.startswith(source.prefix)] for source in self._study.sources]

    @property
    def _reads_frames(self) -> bool:
        return bool(self._study.head.module.NEEDS == "frames")

    @property
    def card(self) -> Card:
        """The card with the true sizes where loading reveals them, else as its options present it."""
        written = self._written
        return self.upstream.card if written.layers < 1 or written.dim < 1 else models.presented(written)

    @property
    def _batch_seconds(self) -> float | None:
        """As asked for, else a minute on a GPU and single utterances on a CPU, where padding costs most."""
        asked = self._study.config.batch_seconds
        return GPU_BATCH_SECONDS if asked is None and self._device != "cpu" else asked

    def requests(self, unknown: Card | None = None) -> list[Request]:
        """What `prepare` brings the stores to hold, corpus by corpus; loads nothing, further upstreams left out.

        Args:
            unknown: a guess of the card, where its sizes, and so the names of its stores, are known only after
                loading; an uncalibrated store is named where it is None.
        """
        card = unknown or self.card
        frames = self._study.head.module.NEEDS == "frames"
        layers = frame_layers(self._view, card.layers) if frames else ()
        stores = [None for _ in self._study.sources] if unknown else self._open({})
        ids = self._study.read_utterances()
        return [
            Request(card.name, source, store, list(_waves_of(source.manifest, source.own(ids))), layers)
            for store, source in zip(stores, self._study.sources, strict=True)
        ]

    def _open(self, calibration: dict[str, float]) -> Stores:
        """One store per corpus: a corpus has the same one whichever others it is read with."""
        return tuple(self._open_one(source.manifest, calibration) for source in self._study.sources)

    def _open_one(self, manifest: Manifest, calibration: dict[str, float]) -> Store:
        card, precision = self.card, self._study.config.precision
        key = StoreKey(
            corpus=manifest.facts.name,
            corpus_sha256=manifest.content_hash(),
            upstream=card.name,
            weights_sha256=weights.checksum(self._written),
            code_version=registry.code_version(models.family(card)),
            layers=card.layers,
            dim=card.dim,
            preprocessing={"sample_rate_hz": card.sample_rate_hz, "channels": MIXING}
            | ({} if precision == "fp32" else {"precision": precision}),
            options=dict(card.options),
            calibration=calibration,
        )
        return open_store(self._study.config.store or cache_root() / "features", key)

    def _fill(self, stores: Stores, title: str) -> None:
        ids = self._study.read_utterances()
        for store, source in zip(stores, self._study.sources, strict=True):
            self._fill_one(store, source, source.own(ids), title)

    def _fill_one(self, store: Store, source: Source, ids: Sequence[str], title: str) -> None:
        frames = self._study.head.module.NEEDS == "frames"
        layers = frame_layers(self._view, self.card.layers) if frames else ()
        request = requested(_waves_of(source.manifest, ids), store, self.card, layers)
        if not request.todo:
            return
        with progress(title) as advance:
            report = (self._spread if self._spreads(request) else self._extract)(request, store, advance)
        self.reports.append(report)

    def _extract(self, request: Requested, store: Store, advance: Advance) -> ExtractReport:
        """In this process."""
        with scale.limited(self._needs(request).threads):
            return extract_requested(
                request,
                self.upstream,
                store,
                batch_seconds=self._batch_seconds,
                device=self._device,
                progress=advance,
            )

    def _spread(self, request: Requested, store: Store, advance: Advance) -> ExtractReport:
        """By workers."""
        config = self._study.config
        extraction = Extraction(
            card=self._written,
            device=self._device,
            engine=config.engine,
            precision=config.precision,
            batch_seconds=self._batch_seconds,
            store=store,
        )
        needs, settings = self._needs(request), config.scale
        return spread(extraction, request, self.card, settings=settings, needs=needs, progress=advance)

    def _spreads(self, request: Requested) -> bool:
        """Whether workers extract: where the user wants them, or where it takes longer than they take to start."""
        settings = self._study.config.scale
        if self._calibrates or settings.workers == 1:
            return False
        if scale.asked_for(settings):
            return True
        workers = min(scale.workers_here(settings, self._needs(request)), len(request.todo))
        return workers > 1 and self._seconds(request) > SMALL_S

    def _seconds(self, request: Requested) -> float:
        """By the card, on one core, or on one GPU."""
        rate = CORE_FLOP_PER_S if self._device == "cpu" else GPU_FLOP_PER_S
        return cost_of(self._written).core_s([source.duration_s for source in request.lacking], rate)

    def _needs(self, request: Requested) -> scale.Needs:
        """Of a piece; what is calibrated stays in this process, and has all of its cores."""
        settings, longest_s = self._study.config.scale, request.lacking[0].duration_s
        cells = 1 if self._calibrates else request.pieces
        on_gpu = 0.0 if self._device == "cpu" else 1.0
        return scale.Needs(
            threads=scale.threads_of(settings, cells),
            memory_gib=settings.memory_gib
            or cost_of(self._written).memory_gib(longest_s, self._batch_seconds),
            gpus=on_gpu if settings.gpus is None else settings.gpus,
        )

    def _waves(self, ids: Sequence[str]) -> Iterator[Tensor]:
        import torch

        rate = self.card.sample_rate_hz
        for source in self._study.sources:
            for sound in _waves_of(source.manifest, source.own(ids)):
                wave = load_wave(sound.path, rate, start_s=sound.start_s, end_s=sound.end_s)
                yield torch.from_numpy(wave).to(self._device)


def _waves_of(manifest: Manifest, ids: Sequence[str]) -> Iterator[WaveSource]:
    """Where these utterances of a corpus lie, in this order."""
    import pandas as pd

    rows = manifest.table.set_index("id").loc[list(ids)]
    for name, row in rows.iterrows():
        start_s, end_s = (None if pd.isna(value) else float(value) for value in (row.start_s, row.end_s))
        yield WaveSource(
            id=str(name),
            path=manifest.root / row.path,
            duration_s=float(row.duration_s),
            start_s=start_s,
            end_s=end_s,
        )


def extraction_summary(reports: Sequence[ExtractReport]) -> dict[str, Any]:
    """The extractions of a run added up, for its record; empty where everything was stored already."""
    extracted = [report for report in reports if report.utterances]
    if not extracted:
        return {}
    audio_s, wall_s = (sum(getattr(report, name) for report in extracted) for name in ("audio_s", "wall_s"))
    return {
        "utterances": sum(report.utterances for report in extracted),
        "audio_s": round(audio_s, 2),
        "wall_s": round(wall_s, 3),
        "s_per_audio_s": round(wall_s / audio_s, 5),
        "padding_share": round(
            sum(report.padding_share * report.audio_s for report in extracted) / audio_s, 4
        ),
        "peak_rss_mib": round(max(report.peak_rss_mib for report in extracted), 1),
        "computed": [asdict(said) for said in dict.fromkeys(report.computed for report in extracted) if said],
    }
