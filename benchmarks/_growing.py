"""What the section `growth` measures: the steps of a run on a corpus and an upstream of a chosen size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks._cell import Values, Work
from benchmarks._clips import RATE_HZ, voice_like
from downstreams import superb_linear
from harness.contracts import Card, Example, HiddenStates, Labelled, Means, Shape
from harness.extract import WaveSource, extract
from harness.predictions import predictions_of
from harness.statistics import score
from harness.store import Store, StoreKey
from harness.views import View, means_view
from harness.whole import Whole, whole_view

if TYPE_CHECKING:
    from harness.contracts import PackedFrames

DIM, CLASSES = 768, ("anger", "happiness", "neutral", "sadness")
HOP, CLIP = 320, "clip.wav"


class CheapUpstream:
    """So many layers of made-up frames, for next to nothing."""

    def __init__(self, layers: int) -> None:
        self.card = Card(
            name="SYNTHETIC", family="none", about="", licence="none", source="", dim=DIM, layers=layers,
            hop_samples=HOP, min_samples=HOP,
        )  # fmt: skip
        self.module: torch.nn.Module | None = None
        self._frames = torch.randn(RATE_HZ // HOP, DIM, generator=torch.Generator().manual_seed(0))

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """The same numbers, moved by what the wave holds."""
        moved = self._frames + waves.mean(1)[:, None, None]
        states = tuple(moved * (1 + layer) for layer in range(self.card.layers))
        return HiddenStates(states, torch.full((len(waves),), len(self._frames)))


def write_clip(settings: Values) -> Work:
    """Work: the one clip, of a second, that every utterance is."""

    def work() -> Values:
        import soundfile

        soundfile.write(Path(settings["folder"]) / CLIP, voice_like(RATE_HZ, RATE_HZ, 0), RATE_HZ)
        return {}

    return work


def _ids(settings: Values) -> list[str]:
    return [f"u{row:06d}" for row in range(settings["utterances"])]


def _store(settings: Values) -> Store:
    """Of this size and repetition."""
    layers = settings["layers"]
    named = f"{settings['utterances']}-{layers}-{settings['repetition']}"
    key = StoreKey(
        corpus=named, corpus_sha256="", upstream="SYNTHETIC", weights_sha256="", code_version="1",
        layers=layers, dim=DIM, preprocessing={},
    )  # fmt: skip
    return Store(Path(settings["folder"]) / "stores", key)


def extraction(settings: Values) -> Work:
    """Work: extract everything."""
    upstream, store = CheapUpstream(settings["layers"]), _store(settings)
    path = Path(settings["folder"]) / CLIP
    sources = [WaveSource(id=name, path=path, duration_s=1.0) for name in _ids(settings)]

    def work() -> Values:
        return {"audio_s": extract(upstream, sources, store, batch_seconds=None).audio_s}

    return work


def opening(settings: Values) -> Work:
    """Work: open the store and ask what is missing, checksums compared."""
    ids = _ids(settings)

    def work() -> Values:
        missing = len(_store(settings).missing(ids))
        if missing:
            raise RuntimeError(f"{missing} of {len(ids)} utterances were not extracted")
        return {"utterances": len(ids)}

    return work


class _Features:
    """What `whole_view` asks of a study's features."""

    def row_counts(self, _: object, ids: Sequence[str]) -> NDArray[np.int64]:
        return np.ones(len(ids), np.int64)

    def stored(self, stores: Sequence[Store], ids: Sequence[str]) -> Means | PackedFrames:
        return means_view(stores[0], ids, View(kind="weighted"))

    view = stored


def _whole(settings: Values) -> Whole:
    """The view that a run would assemble, or find assembled."""
    head = SimpleNamespace(module=superb_linear)
    study: Any = SimpleNamespace(view=View(kind="weighted"), head=head, speaker_groups=lambda _: None)
    features: Any = _Features()
    return whole_view(study, features, (_store(settings),), _ids(settings))


def assembling(settings: Values) -> Work:
    """Work: put the view of all utterances together, on disk where it is large."""

    def work() -> Values:
        return {"mapped": _whole(settings).mapped}

    return work


def training(settings: Values) -> Work:
    """Work: a fixed number of updates on four fifths of the view."""
    whole, count = _whole(settings), settings["utterances"]
    rows = torch.randperm(count, generator=torch.Generator().manual_seed(0))[: max(4 * count // 5, 4)]
    targets = torch.arange(count)[rows] % len(CLASSES)
    shape = Shape(layers=settings["layers"], dim=DIM, classes=len(CLASSES))

    def fit(updates: int) -> None:
        config = superb_linear.Config(updates=updates, eval_every=updates)
        head = superb_linear.build(config, shape, 0)
        head.fit(Labelled(whole.part(rows), targets), None, lambda _: None)

    fit(1)

    def work() -> Values:
        fit(settings["updates"])
        return {"updates": settings["updates"]}

    return work


def scoring(settings: Values) -> Work:
    """Work: predictions of all utterances, and their scores with 2,000 bootstrap draws."""
    examples = [
        Example(id=name, utterances=(name,), target=CLASSES[row % 4], speaker=f"s{row % 10}", duration_s=1.0)
        for row, name in enumerate(_ids(settings))
    ]
    logits = np.random.default_rng(0).standard_normal((len(examples), len(CLASSES))).astype(np.float32)

    def scored(count: int, resamples: int) -> int:
        told = predictions_of(
            examples[:count], logits[:count], classes=CLASSES, run="SYNTHETIC", fold="all", seed=0
        )
        return len(score(told, metrics=("wa", "ua"), resamples=resamples).metrics)

    scored(40, 1)

    def work() -> Values:
        return {"metrics": scored(len(examples), 2000)}

    return work
