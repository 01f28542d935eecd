"""What a pre-training can set; `recipes/pretrain/` says the values and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from harness.config import Part

Count = Annotated[int, Ge(1)]
Share = Annotated[float, Ge(0), Le(1)]
SHORTEST_SAMPLES = 1_600
"""Below this there are too few frames to mask some and to normalise targets over the rest."""


@dataclass(frozen=True, kw_only=True)
class BatchRule:
    """How utterances become updates."""

    max_samples: Count = 600_000
    """Longest utterance times utterances of a micro-batch, at 16 kHz."""
    per_update: Count = 24
    """Micro-batches behind one update, over all processes together."""
    shortest: Annotated[int, Ge(SHORTEST_SAMPLES)] = 8_000
    """Samples; shorter utterances are left out and counted."""
    longest: Annotated[int, Ge(SHORTEST_SAMPLES)] = 320_000
    """Samples; longer utterances are cropped at random to this."""
    threads: Count = 2
    """That read and resample ahead of the training."""


@dataclass(frozen=True, kw_only=True)
class OptimiserRule:
    """AdamW as fairseq's Adam does it: decay on every weight, epsilon without bias correction."""

    lr: Annotated[float, Gt(0)] = 7.5e-5
    betas: tuple[float, float] = (0.9, 0.98)
    eps: Annotated[float, Gt(0)] = 1e-6
    weight_decay: Annotated[float, Ge(0)] = 0.01
    clip_norm: Annotated[float, Ge(0)] = 0.0
    """0: gradients are not clipped."""
    updates: Count = 100_000
    """Of the whole run; the rate falls to zero along half a cosine after the warm-up."""
    epochs: Annotated[float, Gt(0)] | None = None
    """How often everything is heard; where it is given, it decides instead of `updates`."""
    warmup_updates: Annotated[int, Ge(0)] = 5_000
    warmup_share: Share | None = None
    """Of all updates; where it is given, it decides instead of `warmup_updates`."""


@dataclass(frozen=True, kw_only=True)
class GuardRule:
    """When a run is stopped, because nothing can come of it."""

    after_updates: Annotated[int, Ge(0)] = 5_000
    target_std: Annotated[float, Ge(0)] = 0.1
    """Targets that differ less than this have collapsed."""
    prediction_std: Annotated[float, Ge(0)] = 0.01
    not_finite: Count = 10
    """Updates in a row without a finite loss or gradient."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where the weights come from; nothing of it: a cold start."""

    card: str | None = None
    """The checkpoint's card: what it was trained on, and where its weights lie."""
    path: str | None = None
    """The checkpoint itself, where the card does not say it."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One pre-training, as a recipe and its overrides describe it."""

    recipe: str
    about: str
    version: int
    objective: Part
    name: str | None = None
    """Of the checkpoint and its card; None: made of the recipe and the audio."""
    corpora: list[str] = field(default_factory=list)
    """By our names; labels are not looked at."""
    roots: dict[str, str | None] = field(default_factory=dict)
    """corpus -> the folder that holds it."""
    on_fault: Literal["stop", "skip", "repair"] = "stop"
    """What to do about damaged files of a corpus."""
    audio: list[str] = field(default_factory=list)
    """Plain folders of sound files."""
    trained_on: list[str] = field(default_factory=list)
    """Corpora that the plain folders hold, for the card; files of corpora that we know by content are found."""
    fold_of: str | None = None
    """Recipe of an evaluation: train on the training part of one of its folds, and on none of its test audio."""
    fold: str | None = None
    fold_parts: list[Literal["train", "dev"]] = field(default_factory=lambda: ["train"])
    fold_corpus: str | None = None
    """Where that recipe is a protocol for any corpus: which."""
    init: Start = field(default_factory=Start)
    seed: Annotated[int, Ge(0)] = 1
    batch: BatchRule = field(default_factory=BatchRule)
    optimiser: OptimiserRule = field(default_factory=OptimiserRule)
    guard: GuardRule = field(default_factory=GuardRule)
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    log_every: Count = 50
    """Updates between two rows of the history."""
    save_every: Count = 1_000
    """Updates between two saved states."""
    milestones: list[Annotated[int, Ge(0)]] = field(default_factory=list)
    """Updates after which the model is kept as an upstream of its own, `NAME_at_N`; 0 is its start."""
    results: str = "results"
    track: bool = True
    force: bool = False
    """Train again what is trained already."""
    overrides: list[str] = field(default_factory=list)
