"""What a step of pre-training costs, beside a plain implementation of the same step on the same batch.

    python benchmarks/pretraining.py [tiny|mid|base] [threads] [device]

The plain step gives the same loss and the same gradients (checked first, dropouts off) and does none of what makes
ours fast: every clone goes through the waveform encoder, the student keeps all frames and hides the masked ones
from attention, convolutions are PyTorch's own, and a batch of different lengths is padded to the longest. Ours
crops it to the shortest, as the original does, so there the two are compared by the speech that they train on.
Both run in turn and the best of several runs counts; one thread is timed by the processor, not by the clock.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from upstreams._emotion2vec_net import Dropouts, FramewiseConv1d
from upstreams._lengths import conv_frames
from upstreams.objectives import emotion2vec
from upstreams.objectives._data2vec2 import Data2vec2Objective, DecoderSizes, LossRule
from upstreams.objectives._ema import follow
from upstreams.objectives._masks import MaskRule, Places, block_masks, places
from upstreams.objectives._targets import TargetRule, frame_targets
from upstreams.objectives.emotion2vec import Config, NetworkRule

RATE_HZ, REPEATS = 16_000, 5
EQUAL_S = (3.0,) * 4
MIXED_S = (2.0, 2.5, 3.0, 4.5)
"""Lengths of neighbours where nobody sorts; sorted, ours would lose less than it does here."""
TOLERANCE = 1e-4
"""Between the two losses, and between gradients in units of the largest: the same sums in another order."""
NETWORKS = {
    "tiny": NetworkRule(
        dim=144, heads=4, mlp_dim=576, prenet=1, depth=3, channels=96, decoder=DecoderSizes(dim=96)
    ),
    "mid": NetworkRule(
        dim=384, heads=6, mlp_dim=1536, prenet=2, depth=4, channels=256, decoder=DecoderSizes(dim=192)
    ),
    "base": NetworkRule(),
}
NONE = Dropouts(attention=0, block=0, prenet_input=0, layer=0, decoder_input=0)
STEADY = Dropouts(layer=0)
"""The released dropouts, but no block is left out: every step costs the same."""


class Batch(NamedTuple):
    """Utterances as the plain step takes them."""

    waves: Tensor
    """(utterances, samples), zeros behind an utterance."""
    valid: Tensor
    """(utterances, frames) bool."""
    masks: Tensor
    """(utterances * clones, frames) bool, False behind an utterance."""
    noise: Tensor
    """(utterances * clones, frames, dim) for the decoder."""


def made_up(objective: Data2vec2Objective, lengths_s: tuple[float, ...], device: str) -> Batch:
    """Noise of these lengths, with masks."""
    rng, clones = np.random.default_rng(0), objective.rule.clones
    waves = [torch.from_numpy(rng.standard_normal(int(s * RATE_HZ), dtype=np.float32)) for s in lengths_s]
    frames = _frames(objective, [len(wave) for wave in waves])
    masks = [row for count in frames for row in block_masks(count, clones, MaskRule(), rng)]
    pad = torch.nn.utils.rnn.pad_sequence
    valid = torch.arange(max(frames)) < torch.tensor(frames)[:, None]
    noise = 0.01 * torch.randn(len(masks), max(frames), objective.sizes.dim)
    parts = (pad(waves, batch_first=True), valid, pad(masks, batch_first=True), noise)
    return Batch(*(part.to(device) for part in parts))


def _frames(objective: Data2vec2Objective, samples: list[int]) -> list[int]:
    counted: list[int] = conv_frames(
        torch.tensor(samples), objective.sizes.kernels, objective.sizes.strides
    ).tolist()
    return counted


# ------------------------------------------------------------------------------------------ the two steps


def plain_loss(objective: Data2vec2Objective, batch: Batch) -> Tensor:
    """The loss per masked frame, the straight way."""
    audio, drops, clones = objective.student.audio, objective.sizes.dropouts, objective.rule.clones
    local = audio.local_features(batch.waves.repeat_interleave(clones, 0))
    target = plain_targets(objective, local[::clones].detach(), batch.valid)
    valid, masks = batch.valid.repeat_interleave(clones, 0), batch.masks
    silent = None if bool(valid.all()) else valid
    x = local + audio.positions(local.masked_fill(masks[..., None], 0.0), silent)
    bias = audio.attention_bias(torch.arange(x.shape[1], device=x.device)[None], valid & ~masks)
    x = F.dropout(audio.context_encoder.norm(audio.with_tokens(x)), drops.prenet_input)
    for block in [*audio.context_encoder.blocks, *objective.student.blocks]:
        x = block(x, bias).hidden
    tokens, frames = x[:, : objective.sizes.extra_tokens], x[:, objective.sizes.extra_tokens :]
    filled = torch.where(masks[..., None], batch.noise, F.dropout(frames, drops.decoder_input))
    predicted = cast(nn.Module, audio.decoder)(filled.masked_fill(~valid[..., None], 0.0))[masks]
    frame = objective._error(predicted, target.repeat_interleave(clones, 0)[masks]).sum() / len(predicted)
    heard = (target.sum(1) / batch.valid.sum(1, keepdim=True)).repeat_interleave(clones, 0)
    return frame + objective._error(tokens.mean(1), heard).sum()


@torch.no_grad()
def plain_targets(objective: Data2vec2Objective, local: Tensor, valid: Tensor) -> Tensor:
    """(utterances, frames, dim), zeros behind an utterance; each is normalised over its own frames."""
    audio, rule = objective.teacher.audio, objective.rule.target
    padded = None if bool(valid.all()) else valid
    bias = audio.attention_bias(torch.arange(local.shape[1], device=local.device)[None], padded)
    x = audio.context_encoder.norm(audio.with_tokens(local + audio.positions(local, padded)))
    for block in audio.context_encoder.blocks:
        x = block(x, bias).hidden
    layers = []
    for block in objective.teacher.blocks:
        x, feed_forward = block(x, bias)
        layers.append(feed_forward[:, objective.sizes.extra_tokens :])
    if padded is None:
        return frame_targets(layers, rule)
    rows = [
        frame_targets([layer[row : row + 1, :count] for layer in layers], rule)[0]
        for row, count in enumerate(valid.sum(1).tolist())
    ]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def our_loss(objective: Data2vec2Objective, waves: Tensor, masks: Places, noise: Tensor | None) -> Tensor:
    """The same from the objective that is trained."""
    losses = objective(waves, masks, noise)
    return cast(Tensor, losses.total / losses.frames)


@contextmanager
def plain_convolutions() -> Iterator[None]:
    """PyTorch's own in place of ours."""
    ours = FramewiseConv1d.forward
    FramewiseConv1d.forward = nn.Conv1d.forward  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        FramewiseConv1d.forward = ours  # type: ignore[method-assign]


def objective_of(network: NetworkRule, dropouts: Dropouts, device: str) -> Data2vec2Objective:
    """From one seed, so that two of them have the same weights."""
    rule = LossRule(target=TargetRule(top_k=network.depth))
    sizes = {**vars(network), "dropouts": dropouts}
    made = emotion2vec.build(Config(network=NetworkRule(**sizes), loss=rule), None, seed=0)
    return made.objective.to(device).train()


# ----------------------------------------------------------------------------------------------- measuring


def seconds(*works: Callable[[], object], device: str) -> list[float]:
    """The best time of each, all of them in turn."""
    clock = time.process_time if device == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    best = [float("inf")] * len(works)
    for repeat in range(REPEATS + 1):
        for place, work in enumerate(works):
            start = clock()
            work()
            if device != "cpu":
                torch.cuda.synchronize()
            if repeat:  # the first warms up
                best[place] = min(best[place], clock() - start)
    return best


def peak_flops(device: str) -> float:
    """Of the largest square matrix products in float32 that this machine gives, in FLOP/s."""
    size = 1_536 if device == "cpu" else 8_192
    left, right = torch.randn(2, size, size, device=device)
    return 2 * size**3 / seconds(lambda: left @ right, device=device)[0]


def training(objective: Data2vec2Objective, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """A whole step: loss, gradients, optimiser, teacher."""
    adam = torch.optim.AdamW(objective.student.parameters(), lr=1e-5)

    def step() -> None:
        adam.zero_grad(set_to_none=True)
        loss().backward()  # type: ignore[no-untyped-call]
        adam.step()
        follow(objective.teacher, objective.student, 0.999)

    return step


def check_equal(network: NetworkRule, device: str) -> tuple[float, float]:
    """Largest relative difference of the losses, and of the gradients.

    Raises:
        SystemExit: they are not the same step.
    """
    objective = objective_of(network, NONE, device)
    batch = made_up(objective, EQUAL_S, device)
    gradients, losses = [], []
    masks = Places(*(part.to(device) for part in places(batch.masks.cpu())))
    ours = our_loss(objective, batch.waves, masks, batch.noise)
    with plain_convolutions():
        plain = plain_loss(objective, batch)
    for value in (ours, plain):
        objective.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        losses.append(value.item())
        gradients.append([w.grad.clone() for w in objective.student.parameters() if w.grad is not None])
    largest = max(float(gradient.abs().max()) for gradient in gradients[1])
    worst = max(float((a - b).abs().max()) for a, b in zip(*gradients, strict=True)) / largest
    off = abs(losses[0] - losses[1]) / losses[1]
    if max(off, worst) > TOLERANCE:
        raise SystemExit(f"the two steps differ: loss by {off:.1e}, gradients by {worst:.1e}")
    return off, worst


def ratio(network: NetworkRule, lengths_s: tuple[float, ...], device: str) -> tuple[float, float]:
    """Seconds of a whole step per second of speech trained on: ours, and the plain one's."""
    ours, plain = (objective_of(network, STEADY, device) for _ in range(2))
    batch = made_up(ours, lengths_s, device)
    shortest = int(min(lengths_s) * RATE_HZ)
    cropped, clones = batch.waves[:, :shortest].contiguous(), ours.rule.clones
    rng, frames = np.random.default_rng(1), _frames(ours, [shortest])[0]

    def our_whole() -> Tensor:
        drawn = places(block_masks(frames, clones * len(cropped), MaskRule(), rng))
        return our_loss(ours, cropped, Places(*(part.to(device) for part in drawn)), None)

    def plain_whole() -> None:
        with plain_convolutions():
            train_plain()

    train_plain = training(plain, lambda: plain_loss(plain, batch))
    one, other = seconds(training(ours, our_whole), plain_whole, device=device)
    return one / (min(lengths_s) * len(lengths_s)), other / sum(lengths_s)


def parts(network: NetworkRule, device: str) -> dict[str, float]:
    """Seconds of every part of our step, forwards and backwards, each run by itself on inputs of its shapes."""
    objective = objective_of(network, STEADY, device)
    audio, clones = objective.student.audio, objective.rule.clones
    batch = made_up(objective, EQUAL_S, device)
    masks = Places(*(part.to(device) for part in places(batch.masks.cpu())))
    local = audio.local_features(batch.waves).detach()
    copies = local.repeat_interleave(clones, 0).requires_grad_()
    seen = copies.detach()[:, : masks.seen.shape[1]].clone().requires_grad_()
    adam = torch.optim.AdamW(objective.student.parameters(), lr=1e-5)

    def positions() -> Tensor:
        return audio.positions(copies, None)

    def blocks() -> Tensor:
        bias, x = audio.attention_bias(masks.seen, None), audio.with_tokens(seen)
        for block in [*audio.context_encoder.blocks, *objective.student.blocks]:
            x = block(x, bias).hidden
        return x

    def both_ways(work: Callable[[], Tensor]) -> Callable[[], None]:
        return lambda: work().sum().backward()  # type: ignore[no-untyped-call]

    def step() -> None:
        adam.step()
        follow(objective.teacher, objective.student, 0.999)

    works = {
        "waveform encoder": both_ways(lambda: audio.local_features(batch.waves)),
        "positions of the clones": both_ways(positions),
        "student's blocks": both_ways(blocks),
        "decoder": both_ways(lambda: cast(Tensor, cast(nn.Module, audio.decoder)(copies))),
        "teacher and targets": lambda: frame_targets(objective._teach(local), objective.rule.target),
        "optimiser and following": step,
    }
    return dict(zip(works, seconds(*works.values(), device=device), strict=True))


def count_flops(network: NetworkRule, device: str) -> int:
    """Of our step, forwards and backwards; attention by its matrix products."""
    objective = objective_of(network, STEADY, device)
    batch = made_up(objective, EQUAL_S, device)
    masks = Places(*(part.to(device) for part in places(batch.masks.cpu())))
    own = {torch.ops.aten.convolution_backward: backward_flops}
    with FlopCounterMode(display=False, custom_mapping=own) as counter, sdpa_kernel(SDPBackend.MATH):
        our_loss(objective, batch.waves, masks, None).backward()  # type: ignore[no-untyped-call]
    return int(counter.get_total_flops())


def backward_flops(
    gradient: list[int], _: list[int], weight: list[int], *settings: object, **__: object
) -> int:
    """Of a convolution's gradients; PyTorch's own count forgets the groups and says 16 times too much."""
    wanted = cast(list[bool], settings[-1])[:2]
    return 2 * math.prod(gradient) * math.prod(weight[1:]) * sum(wanted)


def main(size: str = "tiny", threads: str = "1", device: str = "cpu") -> None:
    """Print all figures."""
    torch.set_num_threads(int(threads))
    network = NETWORKS[size]
    off, worst = check_equal(network, device)
    count = sum(weight.numel() for weight in objective_of(network, NONE, device).student.parameters())
    print(f"{size}: {count / 1e6:.1f} M parameters, {threads} threads, {device}")
    print(f"the two steps agree: loss to {off:.1e}, gradients to {worst:.1e} of the largest")
    ours_s, plain_s = ratio(network, EQUAL_S, device)
    mixed_ours_s, mixed_plain_s = ratio(network, MIXED_S, device)
    for what, one, other in (
        ("equal lengths", ours_s, plain_s),
        ("cropped against padded", mixed_ours_s, mixed_plain_s),
    ):
        print(f"{what:24s} ours {one:7.3f}  plain {other:7.3f} s per s of speech  ratio {other / one:5.2f}")
    shares = parts(network, device)
    for name, spent in shares.items():
        print(f"  {name:26s} {1e3 * spent:8.1f} ms {100 * spent / sum(shares.values()):5.1f} %")
    step_s, flops, peak = ours_s * sum(EQUAL_S), count_flops(network, device), peak_flops(device)
    print(f"{flops / 1e9:.1f} GFLOP a step: {flops / step_s / 1e9:.1f} GFLOP/s, ", end="")
    print(f"{100 * flops / step_s / peak:.0f} % of the {peak / 1e9:.1f} GFLOP/s of a large matrix product")


if __name__ == "__main__":
    torch.manual_seed(0)
    main(*sys.argv[1:])
