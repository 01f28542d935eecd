"""The features of a study: extracted where they are missing, read back as the view that the head asks for.

An upstream that is calibrated on the training part of a fold has one store per fold; every other has one store.
The model is loaded only when something is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness import models, registry, weights
from harness.audio import MIXING, load_wave
from harness.contracts import CalibratedUpstream, Card, Fold, Means, PackedFrames, Upstream
from harness.extract import ExtractReport, WaveSource, extract
from harness.paths import cache_root
from harness.progress import progress
from harness.store import Store, StoreKey
from harness.study import Study, all_ids
from harness.views import frame_layers, frames_view, means_view

if TYPE_CHECKING:
    from torch import Tensor


class Features:
    """Gives a head its view of any utterances of a study."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._device = models.choose_device(study.config.device)
        self._stores: dict[str, Store] = {}
        self.reports: list[ExtractReport] = []
        self.calibration: dict[str, dict[str, float]] = {}

    @cached_property
    def upstream(self) -> Upstream:
        """The loaded model; loading it is put off until something is missing."""
        return models.load_upstream(self._study.config.upstream, self._device)

    @cached_property
    def _calibrates(self) -> bool:
        return hasattr(models.family(self._study.config.upstream), "CALIBRATES")

    def prepare(self, fold: Fold) -> Store:
        """The store that serves a fold, holding everything that the head needs of its three parts."""
        if self._calibrates:
            return self._calibrated_store(fold)
        if "all" not in self._stores:
            self._stores["all"] = self._open({})
            self._fill(self._stores["all"], "extracting")
        return self._stores["all"]

    def _calibrated_store(self, fold: Fold) -> Store:
        if fold.name not in self._stores:
            upstream = self.upstream
            if not isinstance(upstream, CalibratedUpstream):
                raise TypeError(f"{self._study.config.upstream.family} says CALIBRATES and cannot calibrate")
            numbers = dict(upstream.calibrate(self._waves(fold.train)))
            self.calibration[fold.name] = numbers
            self._stores[fold.name] = self._open(numbers)
            self._fill(self._stores[fold.name], f"extracting, calibrated on {fold.name}")
        return self._stores[fold.name]

    def view(self, store: Store, ids: Sequence[str]) -> Means | PackedFrames:
        """Time means or packed frames of these utterances, in this order."""
        if self._study.head.module.NEEDS == "frames":
            return frames_view(store, ids, self._study.view)
        return means_view(store, ids, self._study.view)

    @property
    def card(self) -> Card:
        """The card with the true sizes where loading reveals them, else as its options present it."""
        written = self._study.config.upstream
        return self.upstream.card if written.layers < 1 or written.dim < 1 else models.presented(written)

    def _open(self, calibration: dict[str, float]) -> Store:
        study, card = self._study, self.card
        key = StoreKey(
            corpus=study.manifest.facts.name,
            corpus_sha256=study.manifest.content_hash(),
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

    def _fill(self, store: Store, title: str) -> None:
        ids = all_ids(self._study.folds.folds)
        frames = self._study.head.module.NEEDS == "frames"
        layers = frame_layers(self._study.view, self.card.layers) if frames else ()
        if not store.missing(ids, layers):
            return
        with progress(title) as advance:
            report = extract(
                self.upstream,
                self._sources(ids),
                store,
                frame_layers=layers,
                batch_seconds=self._study.config.batch_seconds,
                device=self._device,
                progress=advance,
            )
        self.reports.append(report)

    def _sources(self, ids: Sequence[str]) -> Iterator[WaveSource]:
        import pandas as pd

        rows = self._study.manifest.table.set_index("id").loc[list(ids)]
        for name, row in rows.iterrows():
            start_s, end_s = (None if pd.isna(value) else float(value) for value in (row.start_s, row.end_s))
            yield WaveSource(
                id=str(name),
                path=self._study.manifest.root / row.path,
                duration_s=float(row.duration_s),
                start_s=start_s,
                end_s=end_s,
            )

    def _waves(self, ids: Sequence[str]) -> Iterator[Tensor]:
        import torch

        for source in self._sources(ids):
            rate = self.card.sample_rate_hz
            wave = load_wave(source.path, rate, start_s=source.start_s, end_s=source.end_s)
            yield torch.from_numpy(wave).to(self._device)


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
