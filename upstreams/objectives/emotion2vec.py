"""emotion2vec and data2vec 2.0: a student that sees half the frames learns what a teacher makes of all of them.

Where the paper (arXiv 2312.15185) and the code that was really run differ, the two presets in `recipes/pretrain/`
say which value is whose.
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
from upstreams._emotion2vec_net import RELEASED_CONVS, Conv, Dropouts, Sizes
from upstreams._lengths import conv_frames, receptive_field
from upstreams.objectives._data2vec2 import Data2vec2Objective, DecoderSizes, LossRule, follow
from upstreams.objectives._masks import MaskRule, block_masks

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


@dataclass(frozen=True, kw_only=True)
class EmaRule:
    """How slowly the teacher follows: from `start` to `end` in a straight line over the first updates."""

    start: float = 0.999
    end: float = 0.99999
    end_update: int = 20_000

    def decay(self, updates: int) -> float:
        """After this many finished updates (fairseq `fairseq/models/ema/ema.py:get_annealed_rate`)."""
        if updates >= self.end_update:
            return self.end
        return self.end - (self.end - self.start) * (1 - updates / self.end_update)


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


FAMILY = "emotion2vec"
"""The model family that loads what comes out."""


def build(config: Config, init: Path | None, seed: int) -> Emotion2vecObjective:
    """A fresh objective.

    Args:
        config: of this module.
        init: a checkpoint to start from; None: cold.
        seed: draws the weights that the checkpoint does not give.
    """
    objective = Emotion2vecObjective(config)
    draw_cold(objective.objective, seed)
    return objective


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
        return {"waves": waves, "masks": block_masks(frames, clones, self.config.mask, rng)}

    def loss(self, batch: Mapping[str, Tensor]) -> Loss:
        """The losses of a batch and what shows a collapse."""
        losses = self.objective(batch["waves"], batch["masks"])
        figures = {
            "frame_loss": float(losses.frame) / losses.frames,
            "utterance_loss": float(losses.utterance) / losses.frames,
            "target_std": float(losses.target_std),
            "prediction_std": float(losses.prediction_std),
        }
        return Loss(total=losses.total, frames=losses.frames, figures=figures)

    def trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The student with its decoder."""
        return self.objective.student.named_parameters()

    def finished_update(self, updates: int) -> dict[str, float]:
        """Let the teacher follow."""
        decay = self.config.ema.decay(updates)
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
            "options": {"normalise": self.config.normalise},
        }

    def settings(self) -> dict[str, Any]:
        """Configuration in fairseq's words, as far as tensors do not say it."""
        network, loss = self.config.network, self.config.loss
        spec = " + ".join(
            f"[({conv.channels}, {conv.kernel}, {conv.stride})]" for conv in network.sizes().convs
        )
        return {
            "depth": network.depth,
            "embed_dim": network.dim,
            "num_heads": network.heads,
            "average_top_k_layers": loss.target.top_k,
            "cls_loss": loss.utterance_weight if loss.utterance != "none" else 0,
            "clone_batch": loss.clones,
            "layer_norm_first": False,
            "norm_eps": 1e-5,
            "normalize": self.config.normalise,
            "modalities": {
                "audio": {
                    "type": "AUDIO",
                    "prenet_depth": network.prenet,
                    "num_alibi_heads": network.heads,
                    "num_extra_tokens": network.tokens,
                    "extractor_mode": "layer_norm",
                    "feature_encoder_spec": spec,
                    "conv_pos_depth": 5,
                    "conv_pos_width": 95,
                    "conv_pos_groups": network.position_groups,
                    "use_alibi_encoder": True,
                    "learned_alibi_scale": True,
                    "learned_alibi_scale_per_head": True,
                }
            },
        }


def draw_cold(objective: Data2vec2Objective, seed: int) -> None:
    """Weights of a cold start, the teacher's the student's own.

    Source: fairseq at 3d262bb, `data2vec2.py` (`init_bert_params` on the Transformer) and `modalities/audio.py`:
    linear layers N(0, 0.02) without bias, waveform convolutions Kaiming-normal, everything else PyTorch's default,
    the first token zero and the others N(0, 1).
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        student = objective.student
        for module in student.modules():
            if isinstance(module, nn.Linear | nn.Conv1d | nn.LayerNorm):
                module.reset_parameters()
        for block in [*student.audio.context_encoder.blocks, *student.blocks]:
            for linear in (module for module in block.modules() if isinstance(module, nn.Linear)):
                nn.init.normal_(linear.weight, 0.0, 0.02)
                nn.init.zeros_(linear.bias)
        for conv in (one for one in student.audio.local_encoder.modules() if isinstance(one, nn.Conv1d)):
            nn.init.kaiming_normal_(conv.weight)
        if student.sizes.extra_tokens:
            nn.init.normal_(student.audio.extra_tokens)
            student.audio.extra_tokens.data[:, 0] = 0.0
    copy_to_teacher(objective)


def copy_to_teacher(objective: Data2vec2Objective) -> None:
    """Let the teacher start as the student is."""
    own = objective.student.state_dict()
    objective.teacher.load_state_dict({name: own[name] for name in objective.teacher.state_dict()})
