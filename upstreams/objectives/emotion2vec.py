"""emotion2vec and data2vec 2.0: a student that sees half the frames learns what a teacher makes of all of them.

Where the paper (arXiv 2312.15185) and the code that was really run differ, the two presets in `recipes/pretrain/`
say which value is whose.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.contracts import Loss
from harness.errors import ConfigError, WeightsError
from upstreams._emotion2vec_checkpoint import AUDIO, read_sizes
from upstreams._emotion2vec_files import Checkpoint
from upstreams._emotion2vec_net import RELEASED_CONVS, Conv, Dropouts, Sizes
from upstreams._lengths import conv_frames, receptive_field
from upstreams.objectives._cold import draw_student
from upstreams.objectives._data2vec2 import Data2vec2Objective, DecoderSizes, LossRule
from upstreams.objectives._ema import EmaRule, follow, start_alike
from upstreams.objectives._fairseq_words import data2vec_multi
from upstreams.objectives._masks import MaskRule, Places, block_masks, places
from upstreams.objectives._start import Allowed, load_student, load_teacher, read_start, refused
from upstreams.objectives._targets import averages_to_zero

NORM_EPS = 1e-5


@dataclass(frozen=True, kw_only=True)
class NetworkRule:
    """What shapes the network; the defaults are emotion2vec base."""

    dim: int = 768
    heads: int = 12
    mlp_dim: int = 3072
    prenet: int = 4
    depth: int = 8
    channels: int = 512
    """Of every layer of the waveform encoder; kernels and strides are the released ones."""
    position_groups: int = 16
    tokens: int = 10
    """Utterance tokens in front of the frames; `token` and `global` losses take 1 in the original."""
    dropouts: Dropouts = field(default_factory=Dropouts)
    decoder: DecoderSizes = field(default_factory=DecoderSizes)

    def sizes(self) -> Sizes:
        """As the network takes them."""
        return Sizes(
            dim=self.dim,
            heads=self.heads,
            mlp_dim=self.mlp_dim,
            prenet=self.prenet,
            depth=self.depth,
            convs=tuple(Conv(self.channels, conv.kernel, conv.stride) for conv in RELEASED_CONVS),
            position_groups=self.position_groups,
            alibi_scales=self.heads,
            extra_tokens=self.tokens,
            dropouts=self.dropouts,
        )


@dataclass(kw_only=True)
class Config:
    """Settings of the data2vec 2.0 form."""

    network: NetworkRule = field(default_factory=NetworkRule)
    loss: LossRule = field(default_factory=LossRule)
    mask: MaskRule = field(default_factory=MaskRule)
    ema: EmaRule = field(default_factory=EmaRule)
    teacher_init: Literal["checkpoint_ema", "student"] = "checkpoint_ema"
    """Where the teacher starts when there is a checkpoint: its own moving average if the file holds one."""
    normalise: bool = True
    """Every utterance to zero mean and unit variance before it is masked, as every released model."""

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigError: sizes that do not divide, more target layers than there are, tokens that are not there.
        """
        network, loss = self.network, self.loss
        if network.dim % network.heads:
            raise _contradiction("dim", network.dim, f"a multiple of the {network.heads} heads")
        for name, dim, groups in (
            ("dim", network.dim, network.position_groups),
            ("dim", network.dim, network.decoder.groups),
            ("decoder.dim", network.decoder.dim, network.decoder.groups),
        ):
            if dim % groups:
                raise _contradiction(name, dim, f"a multiple of the {groups} groups of its convolutions")
        if not 1 <= loss.target.top_k <= network.depth:
            raise _contradiction(
                "target.top_k", loss.target.top_k, f"from 1 to the {network.depth} main blocks"
            )
        if loss.utterance in ("chunk", "token") and not network.tokens:
            raise _contradiction("tokens", 0, f"at least 1 for the utterance loss {loss.utterance}")
        if not 0 < self.mask.share < 1:
            raise _contradiction("mask.share", self.mask.share, "between 0 and 1")


FAMILY = "emotion2vec"
"""The model family that loads what comes out."""
STUDENT = Allowed(
    lacking={f"{AUDIO}extra_tokens": "utterance tokens", f"{AUDIO}decoder.": "decoder"},
    besides={"proj.": "classification head"},
)
TEACHER = Allowed(lacking={f"{AUDIO}extra_tokens": "utterance tokens for the teacher"})


def remarks(config: Config) -> Iterator[str]:
    """What a run with these settings has to say aloud."""
    loss = config.loss
    if loss.utterance == "none" or loss.utterance_weight == 0 or loss.utterance_target == "raw_mean":
        return
    if averages_to_zero(loss.target):
        yield (
            f"the utterance target is zero for every utterance (instance norm over time, then the mean over the "
            f"same time), as in the released run: the {loss.utterance} loss only draws its output towards zero; "
            "objective.loss.utterance_target=raw_mean is the paper's equation"
        )


def build(config: Config, init: Path | None, seed: int) -> Emotion2vecObjective:
    """A fresh objective.

    Args:
        config: of this module.
        init: a checkpoint of emotion2vec or data2vec 2.0 to start from; None: cold.
        seed: draws the weights that the checkpoint does not give.

    Raises:
        WeightsError: the checkpoint cannot be read, or is not one of this network.
    """
    with torch.random.fork_rng(devices=[]):
        objective = Emotion2vecObjective(config)
        inner = objective.objective
        draw_student(inner.student, seed)
    checkpoint = None if init is None else _fitting(read_start(init), inner.sizes)
    if checkpoint is not None:
        load_student(inner.student, checkpoint, STUDENT)
    start_alike(inner.teacher, inner.student)
    if checkpoint is not None and config.teacher_init == "checkpoint_ema":
        load_teacher(inner.teacher, checkpoint, TEACHER)
    return objective


def _fitting(checkpoint: Checkpoint, sizes: Sizes) -> Checkpoint:
    """The checkpoint, if it is of this architecture and of these sizes."""
    tensors = dict(checkpoint.tensors)
    for name in (f"{AUDIO}alibi_scale", f"_ema.{AUDIO}alibi_scale"):
        if name in tensors and tensors[name].ndim == 4:  # before scales per layer were possible
            tensors[name] = tensors[name][None]
    try:
        theirs = read_sizes(tensors, checkpoint)
    except WeightsError as fault:
        raise refused(fault.what, got=fault.got, wanted=fault.wanted) from fault
    compared = [
        field.name for field in fields(Sizes) if field.name not in ("dropouts", "classes", "extra_tokens")
    ]
    compared += ["extra_tokens"] if theirs.extra_tokens else []
    pairs = {name: (getattr(theirs, name), getattr(sizes, name)) for name in compared}
    differing = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if differing:
        raise refused(
            "its network has other sizes",
            got=f"{checkpoint.path.absolute()}: {', '.join(f'{n} {p[0]}' for n, p in differing.items())}",
            wanted=", ".join(f"{name} {pair[1]}" for name, pair in differing.items()),
        )
    return checkpoint._replace(tensors=tensors)


class Emotion2vecObjective(nn.Module):
    """See `harness.contracts.Objective`."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.objective = Data2vec2Objective(config.network.sizes(), config.network.decoder, config.loss)

    def batch(self, waves: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
        """Normalised waves and, for every clone of every utterance, a mask."""
        sizes = self.objective.sizes
        if self.config.normalise:
            waves = F.layer_norm(waves, waves.shape[-1:], eps=NORM_EPS)
        frames = int(conv_frames(torch.tensor([waves.shape[1]]), sizes.kernels, sizes.strides))
        clones = len(waves) * self.config.loss.clones
        masks = places(block_masks(max(frames, 0), clones, self.config.mask, rng))
        return {"waves": waves, **masks._asdict()}

    def loss(self, batch: Mapping[str, Tensor]) -> Loss:
        """The losses of a batch and what shows a collapse."""
        losses = self.objective(batch["waves"], Places(batch["hidden"], batch["seen"]))
        return Loss(total=losses.total, frames=losses.frames, figures=losses.figures())

    def trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The student with its decoder."""
        return self.objective.student.named_parameters()

    def finished_update(self, updates: int) -> dict[str, float]:
        """Let the teacher follow."""
        decay = self.config.ema.decay(updates) ** self.config.ema.steps
        follow(self.objective.teacher, self.objective.student, decay)
        return {"ema_decay": decay}

    def released(self) -> dict[str, Tensor]:
        """The student, decoder included, under the names of the original code; the teacher under `_ema.`."""
        own = self.objective.student.state_dict()
        teacher = self.objective.teacher.state_dict()
        return {**own, **{f"_ema.{name}": weight for name, weight in teacher.items()}}

    def card(self) -> dict[str, Any]:
        """Facts that the tensors alone do not say in the card's words."""
        sizes = self.objective.sizes
        return {
            "dim": sizes.dim,
            "layers": sizes.prenet + sizes.depth + 1,
            "hop_samples": math.prod(sizes.strides),
            "min_samples": receptive_field(sizes.kernels, sizes.strides),
            "parameters": sum(weight.numel() for name, weight in self.trained() if "decoder" not in name),
            "options": {"normalise": self.config.normalise, "features": "frames"},
        }

    def settings(self) -> dict[str, Any]:
        """Configuration in fairseq's words; `normalize` belongs to its task."""
        return data2vec_multi(self.config)


def _contradiction(name: str, got: object, wanted: str) -> ConfigError:
    return ConfigError(
        f"the settings of the pre-training contradict each other at {name}",
        got=got,
        wanted=wanted,
        next_step="change it, or what it depends on",
    )
