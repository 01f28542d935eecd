"""What the section `extraction` measures, variant by variant; every function prepares and returns the work."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks._cell import Afterwards, Values, Work
from benchmarks._clips import Clip, own_share, read_clips, voice_like, write_clips
from benchmarks._plain_extraction import (
    PlainModel,
    batched,
    library,
    relative_difference,
    save_random_base,
)
from harness.audio import load_wave
from harness.config import card_named
from harness.contracts import Card, HiddenStates, Upstream
from harness.engines import load
from harness.extract import WaveSource, extract
from harness.store import Store, StoreKey

if TYPE_CHECKING:
    from torch import Tensor

CHECKED = 8
"""Clips, the first ones in file order: one padded batch of them is held against each of them alone."""


def make_files(settings: Values) -> Work:
    """Work: write the clips, the weights, and what the first clips give alone in torch."""

    def work() -> Values:
        folder = Path(settings["folder"])
        clips = write_clips(folder / "clips", settings["durations_s"])
        save_random_base(folder / "weights")
        model = PlainModel(folder / "weights")
        torch.save([model.states([wave])[0] for wave in waves_of(clips[:CHECKED])], folder / "reference.pt")
        return {}

    return work


def waves_of(clips: Sequence[Clip]) -> list[Tensor]:
    return [torch.from_numpy(load_wave(Path(clip.path), 16_000)) for clip in clips]


def _checked(folder: Path) -> tuple[list[Tensor], list[Tensor]]:
    """Waves of the first clips, and their states alone in torch."""
    return waves_of(read_clips(folder / "clips")[:CHECKED]), torch.load(folder / "reference.pt")


def base_card(settings: Values) -> Card:
    """The harness's own card on the random weights."""
    return card_named("wav2vec2_base", {"path": str(Path(settings["folder"]) / "weights")})


class Timed:
    """An upstream that adds up the seconds spent inside it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.inside_s = 0.0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the upstream has
        return getattr(self._upstream, name)

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """As the upstream, under a clock."""
        start = time.perf_counter()
        hidden = self._upstream.extract(waves, lengths)
        self.inside_s += time.perf_counter() - start
        return hidden


def store_for(card: Card, folder: Path) -> Store:
    """A fresh, empty store."""
    key = StoreKey(
        corpus="SYNTHETIC", corpus_sha256="", upstream=card.name, weights_sha256="", code_version="",
        layers=card.layers, dim=card.dim, preprocessing={},
    )  # fmt: skip
    return Store(folder, key)


def sources(clips: Sequence[Clip], *, wide: bool, times: int) -> list[WaveSource]:
    """Every clip, so often under another name."""
    return [
        WaveSource(
            id=f"{clip.id}-{number}",
            path=Path(clip.wide_path if wide else clip.path),
            duration_s=clip.duration_s,
        )
        for number in range(times)
        for clip in clips
    ]


def export(settings: Values) -> Work:
    """Work: load the model for the first time, graph export included, as the first run of a checkpoint does."""
    card = base_card(settings)

    def work() -> Values:
        load(card, engine=settings["engine"])
        return {}

    return work


def ours(settings: Values) -> Work:
    """Prepare: the harness's upstream, warm. Work: `extract` into an empty store, decoding and writing too."""
    folder = Path(settings["folder"])
    card = card_named(settings["card"]) if "card" in settings else base_card(settings)
    upstream = Timed(load(card, engine=settings["engine"], precision=settings.get("precision", "fp32")))
    upstream.extract(torch.from_numpy(voice_like(16_000, 16_000, 0))[None], torch.tensor([16_000]))
    upstream.inside_s = 0.0
    clips = own_share(read_clips(folder / "clips"), settings["share"], settings["shares"])
    wanted = sources(clips, wide=settings.get("wide", False), times=settings.get("times", 1))
    place = folder / "stores" / f"{settings['name']}-{settings['repetition']}-{settings['share']}"
    store = store_for(upstream.card, place)

    def work() -> Values | Afterwards:
        report = extract(upstream, wanted, store, batch_seconds=None)
        values = {
            "audio_s": report.audio_s,
            "max_padding_share": report.padding_share,
            "inside_s": upstream.inside_s,
            "extract_s": report.wall_s,
        }
        return Afterwards(values, check) if is_first(settings) and "card" not in settings else values

    def check() -> Values:
        waves, wanted = _checked(folder)
        found = [_states(upstream, wave) for wave in waves]
        return {"max_deviation": relative_difference(found, wanted)}

    return work


def is_first(settings: Values) -> bool:
    return bool(settings["repetition"] == 0)


@torch.inference_mode()
def _states(upstream: Any, wave: Tensor) -> Tensor:  # noqa: ANN401  an upstream, or one under a clock
    hidden = upstream.extract(wave[None], torch.tensor([len(wave)]))
    return torch.stack([state[0] for state in hidden.states])


def plain(settings: Values) -> Work:
    """Prepare: transformers' model and decoded waves. Work: all states, their means kept."""
    folder = Path(settings["folder"])
    model = PlainModel(folder / "weights")
    clips = own_share(read_clips(folder / "clips"), settings["share"], settings["shares"])
    waves = waves_of(clips)
    if settings.get("compiled"):
        model.run = torch.compile(model.model, dynamic=True)
        for wave in sorted(waves, key=len)[:: max(1, len(waves) // 4)]:
            model.states([wave])
    parts = batched(waves, settings["batch"], by_length=settings["by_length"])
    list(model.moments([torch.from_numpy(voice_like(16_000, 16_000, 0))]))

    def work() -> Values | Afterwards:
        kept = list(chain.from_iterable(model.moments(part) for part in parts))
        padded = sum(max(map(len, part)) * len(part) for part in parts)
        samples = sum(map(len, waves))
        values = {
            "audio_s": samples / 16_000,
            "max_padding_share": 1 - samples / padded,
            "clips": len(kept),
        }
        return Afterwards(values, check) if is_first(settings) else values

    def check() -> Values:
        some, wanted = _checked(folder)
        order = sorted(range(len(some)), key=lambda row: len(some[row])) if settings["by_length"] else None
        some, wanted = ([rows[row] for row in order] if order else rows for rows in (some, wanted))
        found = chain.from_iterable(
            model.states(part) for part in batched(some, settings["batch"], by_length=settings["by_length"])
        )
        return {"max_deviation": relative_difference(list(found), wanted)}

    return work


def bf16(settings: Values) -> Work:
    """Work: one clip of a second in fp32, then in bf16 by autocast."""
    model = PlainModel(Path(settings["folder"]) / "weights")
    wave = torch.from_numpy(voice_like(16_000, 16_000, 0))
    wanted = model.states([wave])

    def work() -> Values:
        start = time.perf_counter()
        model.states([wave])
        middle = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16):
            found = model.states([wave])
        end = time.perf_counter()
        deviation = relative_difference(found, wanted)
        return {"fp32_s": middle - start, "bf16_s": end - middle, "max_deviation": deviation}

    return work


def decoding(settings: Values) -> Work:
    """Work: decode, mix and resample every file, one after the other, and nothing else."""
    clips = read_clips(Path(settings["folder"]) / "clips")
    wanted = sources(clips, wide=True, times=settings["times"])

    def work() -> Values:
        decoded = sum(len(load_wave(source.path, 16_000)) for source in wanted)
        return {"audio_s": decoded / 16_000}

    return work


def computing(settings: Values) -> Work:
    """Prepare: decoded waves. Work: a cheap upstream over them, one by one, and nothing else."""
    upstream = load(card_named(settings["card"]), engine="torch")
    waves = waves_of(read_clips(Path(settings["folder"]) / "clips")) * settings["times"]

    def work() -> Values:
        for wave in waves:
            upstream.extract(wave[None], torch.tensor([len(wave)]))
        return {"audio_s": sum(map(len, waves)) / 16_000}

    return work


def flop(settings: Values) -> Work:
    """Work: count the operations of every clip alone, on shapes without numbers."""
    from torch.utils.flop_counter import FlopCounterMode

    transformers = library()
    config = transformers.Wav2Vec2Config(attn_implementation="eager")
    with torch.device("meta"):
        model = transformers.Wav2Vec2Model(config).eval()
    clips = read_clips(Path(settings["folder"]) / "clips")

    def work() -> Values:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            for clip in clips:
                model(torch.empty(1, round(clip.duration_s * 16_000), device="meta"))
        return {"flop": counter.get_total_flops(), "audio_s": sum(clip.duration_s for clip in clips)}

    return work


def longest(settings: Values) -> Work:
    """Prepare: a fresh clip of `seconds`. Work: extract it; the peak of memory is what matters."""
    import soundfile

    path = Path(settings["folder"]) / f"long-{settings['seconds']}.wav"
    soundfile.write(path, voice_like(round(settings["seconds"] * 16_000), 16_000, 0), 16_000)
    upstream = load(base_card(settings), engine=settings["engine"])
    store = store_for(upstream.card, path.with_suffix(".store") / str(settings["repetition"]))

    def work() -> Values:
        source = WaveSource(id="long", path=path, duration_s=settings["seconds"])
        return {"audio_s": extract(upstream, [source], store, batch_seconds=None).audio_s}

    return work
