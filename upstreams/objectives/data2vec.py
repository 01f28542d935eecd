"""data2vec 1: a student whose masked frames carry one learnt vector predicts what a teacher makes of all frames.

Source: Baevski et al. 2022, arXiv 2202.03555; facebookresearch/fairseq at 3d262bb, `examples/data2vec`, settings
of `config/audio/pretraining/base_librispeech.yaml`. There is no utterance loss: the author of emotion2vec tried
this form without one (ddlBoJack/fairseq, branch pai).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.contracts import Loss
from harness.errors import ConfigError
from upstreams._data2vec_names import to_fairseq
from upstreams._emotion2vec_files import Checkpoint, find_setting
from upstreams._emotion2vec_net import RELEASED_CONVS, Conv
from upstreams._lengths import conv_frames, receptive_field
from upstreams.objectives._cold import default, transformer, waveform
from upstreams.objectives._data2vec1 import Data2vecNet, Data2vecObjective, Dropouts, LossRule, Sizes
from upstreams.objectives._ema import EmaRule, follow, start_alike
from upstreams.objectives._fairseq_words import data2vec_audio
from upstreams.objectives._masks import Places, SpanRule, places, span_masks
from upstreams.objectives._start import Allowed, load_student, load_teacher, read_start, refused

NORM_EPS = 1e-5
FAMILY = "hf"
"""The model family that loads what comes out."""
STUDENT = Allowed(
    lacking={"final_proj.": "last layer, which predicts the targets"},
    besides={"lm_head.": "head that writes letters"},
)
HEADS = ("num_attention_heads", "encoder_attention_heads")
"""The number of heads in transformers' and in fairseq's words; no tensor tells it."""


@dataclass(frozen=True, kw_only=True)
class NetworkRule:
    """What shapes the network; the defaults are the base model."""

    dim: int = 768
    heads: int = 12
    mlp_dim: int = 3072
    layers: int = 12
    channels: int = 512
    """Of every layer of the waveform encoder; kernels and strides are the released ones."""
    position_groups: int = 16
    dropouts: Dropouts = field(default_factory=Dropouts)

    def sizes(self) -> Sizes:
        """As the network takes them."""
        return Sizes(
            dim=self.dim,
            heads=self.heads,
            mlp_dim=self.mlp_dim,
            layers=self.layers,
            convs=tuple(Conv(self.channels, conv.kernel, conv.stride) for conv in RELEASED_CONVS),
            position_groups=self.position_groups,
            dropouts=self.dropouts,
        )


@dataclass(kw_only=True)
class Config:
    """Settings of the data2vec 1 form."""

    network: NetworkRule = field(default_factory=NetworkRule)
    loss: LossRule = field(default_factory=LossRule)
    mask: SpanRule = field(default_factory=SpanRule)
    ema: EmaRule = field(default_factory=lambda: EmaRule(end=0.9999, end_update=30_000))
    teacher_init: Literal["checkpoint_ema", "student"] = "checkpoint_ema"
    """Where the teacher starts when there is a checkpoint: its own moving average if the file holds one."""
    normalise: bool = True
    """Every utterance to zero mean and unit variance before it is masked, as the released model."""

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ConfigError: sizes that do not divide, or more target layers than there are.
        """
        network, top_k = self.network, self.loss.target.top_k
        faults = {
            "network.dim": (network.dim % network.heads, f"a multiple of the {network.heads} heads"),
            "network.position_groups": (network.dim % network.position_groups, f"a divisor of {network.dim}"),
            "loss.target.top_k": (not 1 <= top_k <= network.layers, f"from 1 to {network.layers} layers"),
        }
        for name, (wrong, wanted) in faults.items():
            if wrong:
                raise ConfigError(
                    f"the settings of the pre-training contradict each other at {name}",
                    got=f"dim {network.dim}, heads {network.heads}, top_k {top_k}",
                    wanted=wanted,
                    next_step="change it, or what it depends on",
                )


def build(config: Config, init: Path | None, seed: int) -> Data2vec:
    """A fresh objective.

    Args:
        config: of this module.
        init: a checkpoint of data2vec 1 to start from, fairseq's or transformers'; None: cold.
        seed: draws the weights that the checkpoint does not give.

    Raises:
        WeightsError: the checkpoint cannot be read, or is not one of this network.
    """
    with torch.random.fork_rng(devices=[]):
        objective = Data2vec(config)
        inner = objective.objective
        draw_student(inner.student, seed)
    checkpoint = None if init is None else _fitting(read_start(init), inner.sizes)
    if checkpoint is not None:
        load_student(inner.student, checkpoint, STUDENT)
    start_alike(inner.teacher, inner.student.encoder)
    if checkpoint is not None and config.teacher_init == "checkpoint_ema":
        load_teacher(inner.teacher, checkpoint, Allowed())
    return objective


def _fitting(checkpoint: Checkpoint, sizes: Sizes) -> Checkpoint:
    """The checkpoint under fairseq's names."""
    stated = next((n for name in HEADS if (n := find_setting(checkpoint.settings, name)) is not None), None)
    if stated not in (None, sizes.heads):
        raise refused(
            "its network has other sizes",
            got=f"{checkpoint.path.absolute()}: heads {stated}",
            wanted=f"heads {sizes.heads}",
        )
    bare = {name.removeprefix("data2vec_audio."): tensor for name, tensor in checkpoint.tensors.items()}
    return checkpoint._replace(tensors={to_fairseq(name): tensor for name, tensor in bare.items()})


def draw_student(student: Data2vecNet, seed: int) -> None:
    """Draw every weight; the same seed gives the same ones.

    Source: fairseq's `init_bert_params` on the Transformer, Kaiming-normal waveform convolutions, a uniform vector
    for masked frames, PyTorch's default for the rest.
    """
    torch.manual_seed(seed)
    default(student)
    transformer(list(student.encoder.layers))
    waveform(student.feature_extractor)
    nn.init.uniform_(student.mask_emb)


class Data2vec(nn.Module):
    """See `harness.contracts.Objective`."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.objective = Data2vecObjective(config.network.sizes(), config.loss)

    def batch(self, waves: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
        """Normalised waves and a mask for every utterance."""
        convs = self.objective.sizes.convs
        if self.config.normalise:
            waves = F.layer_norm(waves, waves.shape[-1:], eps=NORM_EPS)
        frames = int(
            conv_frames(
                torch.tensor([waves.shape[1]]),
                [conv.kernel for conv in convs],
                [conv.stride for conv in convs],
            )
        )
        return {"waves": waves, **places(span_masks(frames, len(waves), self.config.mask, rng))._asdict()}

    def loss(self, batch: Mapping[str, Tensor]) -> Loss:
        """The loss of a batch and what shows a collapse."""
        losses = self.objective(batch["waves"], Places(batch["hidden"], batch["seen"]))
        return Loss(total=losses.total, frames=losses.frames, figures=losses.figures())

    def trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The student with its last layer."""
        return self.objective.student.named_parameters()

    def finished_update(self, updates: int) -> dict[str, float]:
        """Let the teacher follow; its positional convolutions are the student's own."""
        ema = self.config.ema
        decay = ema.decay(updates) ** ema.steps
        student = self.objective.student.encoder
        follow(self.objective.teacher, student, decay, copied=lambda name: name.startswith("pos_conv."))
        return {"ema_decay": decay}

    def released(self) -> dict[str, Tensor]:
        """The student under fairseq's names; the teacher under `_ema.`."""
        teacher = self.objective.teacher.state_dict()
        own = self.objective.student.state_dict()
        return {**own, **{f"_ema.{name}": weight for name, weight in teacher.items()}}

    def card(self) -> dict[str, Any]:
        """Facts that the tensors alone do not say in the card's words."""
        sizes = self.objective.sizes
        kernels, strides = [conv.kernel for conv in sizes.convs], [conv.stride for conv in sizes.convs]
        options = {"architecture": "data2vec-audio", "feature_norm": "layer", "stable_layer_norm": False}
        return {
            "dim": sizes.dim,
            "layers": sizes.layers + 1,
            "hop_samples": math.prod(strides),
            "min_samples": receptive_field(kernels, strides),
            "parameters": sum(w.numel() for name, w in self.trained() if not name.startswith("final_proj.")),
            "options": {**options, "normalise": self.config.normalise},
        }

    def settings(self) -> dict[str, Any]:
        """Configuration in the words of fairseq and of transformers."""
        return data2vec_audio(self.config)
