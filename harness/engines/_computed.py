"""What computes a frozen network, and how far its numbers lie from those of torch in fp32."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.contracts import Card, HiddenStates, Upstream

if TYPE_CHECKING:
    from torch import Tensor

PROBE_SECONDS = (1.0, 7.0)
"""Of the sounds that engines are compared on, beside the shortest that the upstream takes."""


@dataclass(frozen=True, kw_only=True)
class Computed:
    """How the numbers of a loaded upstream come about."""

    engine: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    deviation: float | None = None
    """Largest relative difference from torch in fp32 on the probe sounds; None where it is torch in fp32."""


def computed(upstream: Upstream) -> Computed:
    """What `load` says of an upstream; torch in fp32 for one that came another way."""
    said = getattr(upstream, "computed", None)
    return said if isinstance(said, Computed) else Computed(device=device_of(upstream))


def device_of(upstream: Upstream) -> str:
    """Where the network lies, `cpu` or `cuda`; hand-made features are computed on a CPU."""
    weight = None if upstream.module is None else next(upstream.module.parameters(), None)
    return "cpu" if weight is None else weight.device.type


def probe_sounds(card: Card, seconds: Sequence[float] = PROBE_SECONDS) -> list[Tensor]:
    """Harmonic tones with noise, (samples,) each: the shortest clip, then these lengths; seeded."""
    import torch

    rate = card.sample_rate_hz
    draw = torch.Generator().manual_seed(0)
    lengths = [card.min_samples, *(max(card.min_samples, int(s * rate)) + 37 for s in seconds)]
    voices = []
    for number, samples in enumerate(lengths):
        time_s = torch.arange(samples) / rate
        tone = torch.stack([torch.sin(6.2832 * (110 + 30 * number) * k * time_s) / k for k in range(1, 9)])
        voices.append(0.1 * tone.sum(0) + 0.02 * torch.randn(samples, generator=draw))
    return voices


def alone(upstream: Upstream, wave: Tensor, pad_samples: int = 0) -> HiddenStates:
    """Hidden states of one (samples,) wave, padded with zeros at the end if asked."""
    import torch

    padded = torch.nn.functional.pad(wave, (0, pad_samples))
    return upstream.extract(padded[None], torch.tensor([len(wave)], device=wave.device))


def relative_error(reference: HiddenStates, other: HiddenStates, row: int) -> float:
    """Worst layer's max |difference| / max |reference|, a lone utterance against row `row`; inf where NaN."""
    count = int(reference.frames[0])
    if int(other.frames[row]) != count:
        return float("inf")
    pairs = zip(reference.states, other.states, strict=True)
    errors = [_gap(mine[0, :count], theirs[row, :count]) for mine, theirs in pairs]
    return float("inf") if any(math.isnan(error) for error in errors) else max(errors)


def _gap(mine: Tensor, theirs: Tensor) -> float:
    return float((mine - theirs).abs().max() / mine.abs().max().clamp_min(1e-12))


def probed(upstream: Upstream, device: str = "cpu") -> list[HiddenStates]:
    """An upstream's states of the probe sounds, each alone."""
    import torch

    with torch.inference_mode():
        return [alone(upstream, wave.to(device)) for wave in probe_sounds(upstream.card)]


def deviation(reference: Sequence[HiddenStates], others: Sequence[HiddenStates]) -> float:
    """Largest relative error over all layers and sounds, what `probed` gives of two upstreams."""
    return max(relative_error(one, other, 0) for one, other in zip(reference, others, strict=True))
