"""What a pre-training can set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class BatchRule:
    """How utterances become updates."""

    max_samples: int = 600_000
    """Longest utterance times utterances of a micro-batch, at 16 kHz."""
    per_update: int = 24
    """Micro-batches behind one update, over all processes together."""
    shortest: int = 8_000
    """Samples; shorter utterances are left out and counted."""
    longest: int = 320_000
    """Samples; longer utterances are cropped at random to this."""
    threads: int = 2
    """That read and resample ahead of the training."""


@dataclass(frozen=True, kw_only=True)
class OptimiserRule:
    """AdamW as fairseq's Adam does it: decay on every weight, epsilon without bias correction."""

    lr: float = 7.5e-5
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    weight_decay: float = 0.01
    clip_norm: float = 0.0
    """0: gradients are not clipped."""
    warmup_updates: int = 5_000
    updates: int = 100_000
    """Of the whole run; the rate falls to zero along half a cosine after the warm-up."""


@dataclass(frozen=True, kw_only=True)
class GuardRule:
    """When a run is stopped, because nothing can come of it."""

    after_updates: int = 5_000
    target_std: float = 0.1
    """Targets that differ less than this have collapsed."""
    prediction_std: float = 0.01
    not_finite: int = 10
    """Updates in a row without a finite loss or gradient."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One pre-training, resolved."""

    name: str
    """Of the checkpoint and its card."""
    recipe: str
    about: str
    family: str
    """Module in `upstreams/` that knows how."""
    settings: dict[str, Any]
    """For the family's `PretrainConfig`."""
    init: str | None = None
    """Checkpoint to start from; None: cold."""
    seed: int = 1
    batch: BatchRule = field(default_factory=BatchRule)
    optimiser: OptimiserRule = field(default_factory=OptimiserRule)
    guard: GuardRule = field(default_factory=GuardRule)
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    device: str = "auto"
    log_every: int = 50
    """Updates between two rows of the history."""
    save_every: int = 1_000
    """Updates between two saved states."""
    track: bool = True
