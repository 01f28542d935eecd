"""What the section `gpu` measures; every function prepares and returns the work."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import Tensor

from benchmarks._cell import Afterwards, Values, Work
from benchmarks._clips import read_clips
from benchmarks._extracting import base_card, is_first, sources, store_for, waves_of
from benchmarks._head_data import parts, read_features
from benchmarks._plain_extraction import PlainModel, batched
from benchmarks._plain_heads import emotion2vec_training
from benchmarks._training import e2v
from harness.engines import load
from harness.extract import extract
from harness.extract.plan import batches


def products(settings: Values) -> Work:
    """Work: multiply square matrices of `dtype` on the GPU for `seconds`."""
    kind, side = getattr(torch, settings["dtype"]), settings["side"]
    left, right = (torch.randn(side, side, device="cuda").to(kind) for _ in range(2))
    product = left @ right

    def work() -> Values:
        torch.cuda.synchronize()
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < settings["seconds"]:
            for _ in range(10):
                torch.mm(left, right, out=product)
            torch.cuda.synchronize()
            count += 10
        return {"flop_per_s": 2.0 * side**3 * count / (time.perf_counter() - start)}

    return work


def ours(settings: Values) -> Work:
    """Work: `extract` on the GPU, batches of a minute, decoding and writing included."""
    folder = Path(settings["folder"])
    upstream = load(base_card(settings), device="cuda", precision=settings["precision"])
    wanted = sources(read_clips(folder / "clips"), wide=False, times=settings["times"])
    store = store_for(upstream.card, folder / "stores" / f"{settings['name']}-{settings['repetition']}")
    upstream.extract(torch.zeros(1, 16_000, device="cuda"), torch.tensor([16_000], device="cuda"))

    def work() -> Values | Afterwards:
        report = extract(upstream, wanted, store, batch_seconds=60.0, device="cuda")
        values = {"audio_s": report.audio_s, "max_padding_share": report.padding_share}
        return Afterwards(values, check) if is_first(settings) else values

    def check() -> Values:
        exact = load(base_card(settings), device="cuda")
        worst = 0.0
        for wave in waves_of(read_clips(folder / "clips")[:8]):
            lengths = torch.tensor([len(wave)], device="cuda")
            found, right = (one.extract(wave[None].cuda(), lengths).states for one in (upstream, exact))
            worst = max(worst, *(float((a - b).norm() / b.norm()) for a, b in zip(found, right, strict=True)))
        return {"max_deviation": worst}

    return work


def network(settings: Values) -> Work:
    """Prepare: padded batches on the GPU, cut as `extract` cuts them. Work: the network over all of them."""
    folder = Path(settings["folder"])
    upstream = load(base_card(settings), device="cuda", precision=settings["precision"])
    clips = read_clips(folder / "clips")
    waves = dict(zip((f"{clip.id}-{n}" for n in range(settings["times"]) for clip in clips),
                     waves_of(clips) * settings["times"], strict=True))  # fmt: skip
    planned = sorted(sources(clips, wide=False, times=settings["times"]), key=lambda one: -one.duration_s)
    ready = [_on_gpu([waves[one.id] for one in batch]) for batch in batches(planned, 60.0)]
    upstream.extract(*ready[0])

    def work() -> Values:
        with torch.inference_mode():
            for padded, lengths in ready:
                upstream.extract(padded, lengths)
        torch.cuda.synchronize()
        return {"audio_s": sum(len(wave) for wave in waves.values()) / 16_000}

    return work


def _on_gpu(waves: list[Tensor]) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([len(wave) for wave in waves])
    return torch.nn.utils.rnn.pad_sequence(waves, batch_first=True).cuda(), lengths.cuda()


def plain(settings: Values) -> Work:
    """Work: transformers' own model on the GPU in fp32, padded batches of 8 in file order, decoded waves."""
    folder = Path(settings["folder"])
    model = PlainModel(folder / "weights", "cuda")
    waves = waves_of(read_clips(folder / "clips")) * settings["times"]
    list(model.moments(waves[:1]))

    def work() -> Values:
        kept = [moments for part in batched(waves, 8, by_length=False) for moments in model.moments(part)]
        return {"audio_s": sum(map(len, waves)) / 16_000, "clips": len(kept)}

    return work


def e2v_plain(settings: Values) -> Work:
    """Work: the released loop of `e2v_linear` with its model on the GPU, batches padded in a DataLoader."""
    features = read_features(Path(settings["folder"]))
    train, watch = parts(len(features.targets), 0)
    emotion2vec_training(features, train[:8], watch[:8], epochs=1, seed=0, device="cuda")

    def work() -> Values:
        emotion2vec_training(features, train, watch, epochs=settings["epochs"], seed=0, device="cuda")
        return {"utterance_epochs": len(train) * settings["epochs"]}

    return work


def e2v_ours(settings: Values) -> Work:
    """As in the section `heads`: on the processor, which is where heads are trained."""
    return e2v(settings)
