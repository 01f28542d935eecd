"""The features of a study: extracted where they are missing, read back as the view that the head asks for.

Every corpus has one store per upstream, or one per fold where the upstream is calibrated on its training part.
The model is loaded only when something is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from harness import models, registry, weights
from harness.adapt import zscored
from harness.audio import MIXING, load_wave
from harness.contracts import CalibratedUpstream, Card, Fold, Means, PackedFrames, Upstream
from harness.extract import ExtractReport, WaveSource, extract
from harness.joint import Source
from harness.manifest import Manifest
from harness.paths import cache_root
from harness.progress import progress
from harness.store import Store, StoreKey
from harness.study import Study, all_ids
from harness.views import frame_layers, frames_view, means_view, reordered

if TYPE_CHECKING:
    from torch import Tensor


Stores: TypeAlias = tuple[Store, ...]
"""One per corpus of the study, in its order."""


class Features:
    """Gives a head its view of any utterances of a study."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._device = models.choose_device(study.config.device)
        self._stores: dict[str, Stores] = {}
        self.reports: list[ExtractReport] = []
        self.calibration: dict[str, dict[str, float]] = {}

    @cached_property
    def upstream(self) -> Upstream:
        """The loaded model; loading it is put off until something is missing."""
        return models.load_upstream(self._study.config.upstream, self._device)

    @cached_property
    def _calibrates(self) -> bool:
        return hasattr(models.family(self._study.config.upstream), "CALIBRATES")

    def prepare(self, fold: Fold) -> Stores:
        """The stores that serve a fold, holding everything that the head needs of its three parts."""
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
                raise TypeError(f"{self._study.config.upstream.family} says CALIBRATES and cannot calibrate")
            numbers = dict(upstream.calibrate(self._waves(fold.train)))
            self.calibration[fold.name] = numbers
            self._stores[fold.name] = self._open(numbers)
            self._fill(self._stores[fold.name], f"extracting, calibrated on {fold.name}")
        return self._stores[fold.name]

    def view(self, stores: Stores, ids: Sequence[str]) -> Means | PackedFrames:
        """Time means or packed frames of these utterances, in this order.

        Where speakers are standardised, their statistics are those of `ids`: give all utterances of the study.
        """
        view = self._stored(stores, ids)
        groups = self._study.speaker_groups(ids)
        return view if groups is None else zscored(view, groups)

    def _stored(self, stores: Stores, ids: Sequence[str]) -> Means | PackedFrames:
        read = frames_view if self._study.head.module.NEEDS == "frames" else means_view
        if len(stores) == 1:
            return read(stores[0], ids, self._study.view)
        places = {name: place for place, name in enumerate(ids)}
        owned = [[name for name in ids if name.startswith(source.prefix)] for source in self._study.sources]
        views = [
            read(store, source.own(own), self._study.view)
            for store, source, own in zip(stores, self._study.sources, owned, strict=True)
            if own
        ]
        return reordered(views, [places[name] for own in owned for name in own])

    @property
    def card(self) -> Card:
        """The card with the true sizes where loading reveals them, else as its options present it."""
        written = self._study.config.upstream
        return self.upstream.card if written.layers < 1 or written.dim < 1 else models.presented(written)

    def _open(self, calibration: dict[str, float]) -> Stores:
        """One store per corpus: a corpus has the same one whichever others it is read with."""
        return tuple(self._open_one(source.manifest, calibration) for source in self._study.sources)

    def _open_one(self, manifest: Manifest, calibration: dict[str, float]) -> Store:
        study, card = self._study, self.card
        key = StoreKey(
            corpus=manifest.facts.name,
            corpus_sha256=manifest.content_hash(),
            upstream=card.name,
            weights_sha256=weights.checksum(study.config.upstream),
            code_version=registry.code_version(models.family(card)),
            layers=card.layers,
            dim=card.dim,
            preprocessing={"sample_rate_hz": card.sample_rate_hz, "channels": MIXING},
            options=dict(card.options),
            calibration=calibration,
        )
        return Store(cache_root() / "features", key)

    def _fill(self, stores: Stores, title: str) -> None:
        ids = all_ids(self._study.folds.folds)
        for store, source in zip(stores, self._study.sources, strict=True):
            self._fill_one(store, source, source.own(ids), title)

    def _fill_one(self, store: Store, source: Source, ids: Sequence[str], title: str) -> None:
        frames = self._study.head.module.NEEDS == "frames"
        layers = frame_layers(self._study.view, self.card.layers) if frames else ()
        if not store.missing(ids, layers):
            return
        with progress(title) as advance:
            report = extract(
                self.upstream,
                _waves_of(source.manifest, ids),
                store,
                frame_layers=layers,
                batch_seconds=self._study.config.batch_seconds,
                device=self._device,
                progress=advance,
            )
        self.reports.append(report)

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
    }
