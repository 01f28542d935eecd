"""`python -m harness check upstream=NAME`: a conformance card, in seconds, on made-up audio.

Before GPU hours are spent, an upstream shows that it keeps the promises of the house: a batch never changes an
answer, the same input gives the same output, frames and sizes are what the card says, nothing is NaN. Gain, DC
and cost are reported without a promise.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness.clock import Clock
from harness.contracts import CalibratedUpstream, Card, HiddenStates, Upstream
from harness.engines import TOLERANCE, alone, computed, load, probe_sounds, relative_error
from harness.errors import CheckError, WeightsError
from harness.models import choose_device, random_upstream

if TYPE_CHECKING:
    import torch
    from torch import Tensor

OWN_WEIGHTS = "its own weights"

_LOG = logging.getLogger("harness")


class Finding(NamedTuple):
    """One line of the card."""

    name: str
    value: str
    kept: bool | None
    """True or False for a promise, None for a plain report."""


@dataclass(frozen=True)
class Conformance:
    """What `check` found."""

    upstream: str
    weights: str
    findings: list[Finding]

    @property
    def broken(self) -> list[Finding]:
        """The promises that were not kept."""
        return [finding for finding in self.findings if finding.kept is False]

    def text(self) -> str:
        """The card as it is printed."""
        marks = {True: "kept  ", False: "BROKEN", None: "      "}
        width = max(len(finding.name) for finding in self.findings)
        head = f"conformance of {self.upstream} ({self.weights}), on made-up audio"
        rows = [f"  {marks[kept]}  {name:<{width}}  {value}" for name, value, kept in self.findings]
        return "\n".join([head, *rows])

    def raise_if_broken(self) -> None:
        """Raises CheckError, naming every broken promise."""
        if self.broken:
            raise CheckError(
                f"{self.upstream} breaks {len(self.broken)} promise(s)",
                got="; ".join(f"{finding.name}: {finding.value}" for finding in self.broken),
                wanted="every promise kept",
                next_step="mend the family's module; features of this upstream would depend on chance",
            )


def check(card: Card, device: str = "auto") -> Conformance:
    """Measure an upstream; where its weights are not to be had here, its code path with random weights."""
    import torch

    where = choose_device(device)
    try:
        upstream, weights = load(card, device=where, engine="torch"), OWN_WEIGHTS
        if upstream.module is None:
            weights = "no weights needed"
    except WeightsError as fault:
        if card.path is not None:
            raise
        _LOG.warning("%s", fault)
        upstream, weights = random_upstream(card), "RANDOM weights in a small network: its own were not found"
        if upstream.module is not None:
            upstream.module.to(where)
    with torch.inference_mode():
        findings = [*promises(upstream, where), *_reports(upstream, where)]
    if weights == OWN_WEIGHTS:
        findings.append(_engine(card, where))
    return Conformance(card.name, weights, findings)


def promises(upstream: Upstream, device: str = "cpu") -> Iterator[Finding]:
    """The promises that every upstream has to keep, measured on made-up audio."""
    voices = [wave.to(device) for wave in made_up_voices(upstream.card)]
    if isinstance(upstream, CalibratedUpstream):
        upstream.calibrate(iter(voices))
    yield from _invariance(upstream, voices)
    yield from _extremes(upstream, voices)
    yield from _sizes(upstream, voices)


def _reports(upstream: Upstream, device: str) -> Iterator[Finding]:
    """What is told without a promise: sensitivity and cost."""
    wave = made_up_voices(upstream.card)[-1].to(device)
    yield from _sensitivity(upstream, wave)
    yield from _cost(upstream, wave)


def made_up_voices(card: Card) -> list[Tensor]:
    """The shortest clip, then about 0.4, 1.0 and 2.3 seconds; seeded."""
    return probe_sounds(card, (0.4, 1.0, 2.3))


def together(upstream: Upstream, waves: list[Tensor]) -> HiddenStates:
    """Hidden states of several waves in one zero-padded batch."""
    import torch

    lengths = torch.tensor([len(wave) for wave in waves], device=waves[0].device)
    return upstream.extract(torch.nn.utils.rnn.pad_sequence(waves, batch_first=True), lengths)


def _invariance(upstream: Upstream, voices: list[Tensor]) -> Iterator[Finding]:
    lone = [alone(upstream, wave) for wave in voices]
    batch = together(upstream, voices)
    by_batch = max(relative_error(one, batch, row) for row, one in enumerate(lone))
    yield Finding("batch invariance", f"relative error {by_batch:.1e}", by_batch < TOLERANCE)
    pad = upstream.card.sample_rate_hz
    by_pad = max(relative_error(one, alone(upstream, w, pad), 0) for one, w in zip(lone, voices, strict=True))
    yield Finding("padding invariance", f"relative error {by_pad:.1e} with 1 s of zeros", by_pad < TOLERANCE)
    again = max(relative_error(one, alone(upstream, w), 0) for one, w in zip(lone, voices, strict=True))
    yield Finding("determinism", f"relative error {again:.1e} between two passes", again == 0.0)


def _finite(states: HiddenStates) -> bool:
    return all(bool(state[0, : int(states.frames[0])].isfinite().all()) for state in states.states)


def _extremes(upstream: Upstream, voices: list[Tensor]) -> Iterator[Finding]:
    short = alone(upstream, voices[0])
    frames = int(short.frames[0])
    yield Finding(
        "shortest clip", f"{len(voices[0])} samples give {frames} frame(s)", frames >= 1 and _finite(short)
    )
    silent = alone(upstream, voices[-1] * 0)
    yield Finding("silence", "finite" if _finite(silent) else "NaN or Inf", _finite(silent))
    loud = alone(upstream, voices[-1] / voices[-1].abs().max())
    sound = _finite(loud) and all(_finite(alone(upstream, wave)) for wave in voices)
    yield Finding("NaN/Inf", "none" if sound else "found", sound)


def _engine(card: Card, device: str) -> Finding:
    """What computes it in a run, and how far from torch; a graph is exported where there is none yet."""
    said = computed(load(card, device=device))
    away = "" if said.deviation is None else f", deviates from torch by {said.deviation:.1e}"
    return Finding("engine", f"{said.engine}, {said.precision}{away}", None)


def _sizes(upstream: Upstream, voices: list[Tensor]) -> Iterator[Finding]:
    card, states = upstream.card, alone(upstream, voices[-1])
    layers, dims = len(states.states), {int(state.shape[-1]) for state in states.states}
    yield Finding("layers", f"{layers}, the card says {card.layers}", layers == card.layers)
    yield Finding("dimension", f"{sorted(dims)}, the card says {card.dim}", dims == {card.dim})
    yield _frame_truth(upstream, voices[-1], int(states.frames[0]))
    if upstream.module is not None:
        count = sum(weight.numel() for weight in upstream.module.parameters())
        yield Finding("parameters", f"{count:,}", None)


def _frame_truth(upstream: Upstream, wave: Tensor, frames: int) -> Finding:
    """One hop more of audio gives one frame more; without a hop there is one vector per utterance."""
    hop = upstream.card.hop_samples
    if hop is None:
        return Finding("frames", f"{frames} per utterance", frames == 1)
    steps = [int(alone(upstream, wave[: len(wave) - k * hop]).frames[0]) for k in (0, 1, 2, 5)]
    true = [frames - k for k in (0, 1, 2, 5)]
    shape = int(alone(upstream, wave).states[0].shape[1])
    kept = steps == true and shape >= frames
    return Finding("frames", f"{frames} in {len(wave)} samples, hop {hop}: {'true' if kept else steps}", kept)


def _sensitivity(upstream: Upstream, wave: Tensor) -> Iterator[Finding]:
    for name, changed in (("gain -20 dB", wave * 0.1), ("DC +0.1", wave + 0.1)):
        moved = _shift(alone(upstream, wave), alone(upstream, changed))
        yield Finding(name, f"moves the last layer by {100 * moved:.2g} %", None)


def _shift(one: HiddenStates, other: HiddenStates) -> float:
    """Norm of the difference over the norm, of all frames of the last layer."""
    mine, theirs = one.states[-1][0], other.states[-1][0]
    return float((mine - theirs).norm() / mine.norm().clamp_min(1e-12))


def _cost(upstream: Upstream, wave: Tensor) -> Iterator[Finding]:
    audio_s = len(wave) / upstream.card.sample_rate_hz
    macs = _multiply_accumulates(lambda: alone(upstream, wave))
    yield Finding("multiply-accumulates", f"{macs / audio_s / 1e9:.3g} G per second of audio", None)
    clock, start = Clock(), time.perf_counter()
    with clock.phase("extract"):
        passes = 0
        while passes < 3 or (time.perf_counter() - start < 1.0 and passes < 50):
            alone(upstream, wave)
            passes += 1
    factor = (time.perf_counter() - start) / passes / audio_s
    yield Finding("real-time factor", f"{factor:.3g} s per second of audio, one clip at a time", None)
    yield Finding(
        "peak memory", f"{clock.phases['extract']['peak_rss_mib']:.0f} MiB, the whole process", None
    )


def _multiply_accumulates(work: Callable[[], object]) -> float:
    """Matrix and convolution multiply-adds as PyTorch counts them; openSMILE's own work is not seen."""
    from torch.utils.flop_counter import FlopCounterMode

    counter: torch.utils.flop_counter.FlopCounterMode = FlopCounterMode(display=False)
    with counter:
        work()
    return float(counter.get_total_flops()) / 2
