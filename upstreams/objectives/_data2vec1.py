"""The pre-training objective of data2vec 1: masked frames stay in place, and a linear layer predicts the targets.

Source: Baevski et al. 2022, arXiv 2202.03555, and facebookresearch/fairseq at 3d262bb,
`examples/data2vec/models/data2vec_audio.py` with the Transformer of `fairseq/models/wav2vec/wav2vec2.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from upstreams._emotion2vec_net import CONV_EPS, BlockOutput, Conv, WaveformEncoder, conv_over_time
from upstreams.objectives._losses import Losses, scaled_error, spread
from upstreams.objectives._masks import Places
from upstreams.objectives._targets import TargetRule, frame_targets


@dataclass(frozen=True, kw_only=True)
class Dropouts:
    """Shares that are dropped in training; the defaults are the base model's."""

    attention: float = 0.1
    """Of the attention weights."""
    block: float = 0.1
    """Of the encoder's input and of the outputs of attention and feed-forward."""
    layer: float = 0.05
    """Of whole blocks."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Everything that shapes the network."""

    dim: int
    heads: int
    mlp_dim: int
    layers: int
    convs: tuple[Conv, ...]
    position_layers: int = 5
    position_kernel: int = 19
    position_groups: int = 16
    dropouts: Dropouts = field(default_factory=Dropouts)


@dataclass(frozen=True, kw_only=True)
class LossRule:
    """What is learnt; the defaults are the base model's."""

    beta: float = 0.0
    """Where smooth L1 turns from square to straight; 0 is the squared error."""
    scale: float | None = None
    """Of the error; None: one over the square root of the dimension."""
    target: TargetRule = field(default_factory=TargetRule)


class Attention(nn.Module):
    """Self-attention with four projections, without any bias of distance."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (
            nn.Linear(sizes.dim, sizes.dim) for _ in range(4)
        )
        self.heads, self.dropouts = sizes.heads, sizes.dropouts

    def forward(self, x: Tensor, keys: Tensor | None) -> Tensor:
        """(batch, frames, dim) -> the same shape; keys: (batch, 1, 1, frames) bool, False is not looked at."""
        query, key, value = (
            project(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        dropped = self.dropouts.attention if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=keys, dropout_p=dropped)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return F.dropout(out, self.dropouts.block, self.training)


class Block(nn.Module):
    """A Transformer block that normalises after each residual (post-LN)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.self_attn = Attention(sizes)
        self.self_attn_layer_norm = nn.LayerNorm(sizes.dim, eps=CONV_EPS)
        self.fc1 = nn.Linear(sizes.dim, sizes.mlp_dim)
        self.fc2 = nn.Linear(sizes.mlp_dim, sizes.dim)
        self.final_layer_norm = nn.LayerNorm(sizes.dim, eps=CONV_EPS)
        self.dropouts = sizes.dropouts

    def forward(self, x: Tensor, keys: Tensor | None = None) -> BlockOutput:
        """(batch, frames, dim) -> the same shape, twice."""
        x = self.self_attn_layer_norm(x + self.self_attn(x, keys))
        feed_forward = self.fc2(F.gelu(self.fc1(x)))
        added = F.dropout(feed_forward, self.dropouts.block, self.training)
        return BlockOutput(self.final_layer_norm(x + added), feed_forward)


class Encoder(nn.Module):
    """Positional convolutions and blocks: what student and teacher each have of their own."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        kernel, groups = sizes.position_kernel, sizes.position_groups
        self.pos_conv = nn.Sequential(
            *(conv_over_time(sizes.dim, sizes.dim, kernel, groups) for _ in range(sizes.position_layers))
        )
        self.layers = nn.ModuleList(Block(sizes) for _ in range(sizes.layers))
        self.layer_norm = nn.LayerNorm(sizes.dim, eps=CONV_EPS)
        self.dropouts = sizes.dropouts

    def positioned(self, features: Tensor) -> Tensor:
        """The input of the first block; (batch, frames, dim) -> the same shape."""
        x = features + self.pos_conv(features.transpose(1, 2)).transpose(1, 2)
        return F.dropout(self.layer_norm(x), self.dropouts.block, self.training)

    def forward(self, features: Tensor) -> list[BlockOutput]:
        """Of every block that ran: in training each is left out now and then."""
        x, outputs = self.positioned(features), []
        for block in self._kept():
            outputs.append(block(x))
            x = outputs[-1].hidden
        return outputs

    def _kept(self) -> Iterator[nn.Module]:
        for block in self.layers:
            if not self.training or torch.rand(()) >= self.dropouts.layer:
                yield block


class Data2vecNet(nn.Module):
    """The student."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        channels = sizes.convs[-1].channels
        self.mask_emb = nn.Parameter(torch.rand(sizes.dim))
        self.feature_extractor = WaveformEncoder(sizes.convs)
        self.layer_norm = nn.LayerNorm(channels, eps=CONV_EPS)
        self.post_extract_proj = nn.Linear(channels, sizes.dim)
        self.encoder = Encoder(sizes)
        self.final_proj = nn.Linear(sizes.dim, sizes.dim)

    def local_features(self, waves: Tensor) -> Tensor:
        """(batch, samples) normalised waves -> (batch, frames, dim)."""
        out: Tensor = self.post_extract_proj(self.layer_norm(self.feature_extractor(waves).transpose(1, 2)))
        return out


class Data2vecObjective(nn.Module):
    """Student and teacher of one pre-training."""

    def __init__(self, sizes: Sizes, rule: LossRule) -> None:
        super().__init__()
        self.sizes, self.rule = sizes, rule
        self.student = Data2vecNet(sizes)
        self.teacher = copy.deepcopy(self.student.encoder).eval().requires_grad_(False)

    def train(self, mode: bool = True) -> Data2vecObjective:
        """As any module, but for the teacher, which never drops anything."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, waves: Tensor, masks: Places) -> Losses:
        """The losses of a batch of equally long utterances.

        Args:
            waves: (batch, samples) normalised.
            masks: one row per utterance.
        """
        local = self.student.local_features(waves)
        hidden = masks.hidden[..., None]
        wanted = self._targets(local.detach()).take_along_dim(hidden, 1).flatten(0, 1)
        masked = local.scatter(1, hidden.expand(-1, -1, local.shape[2]), 0.0) + self._embedded(masks, local)
        last = self.student.encoder(masked)[-1].hidden
        predicted = self.student.final_proj(last.take_along_dim(hidden, 1).flatten(0, 1))
        total = scaled_error(predicted, wanted, self.rule.beta, self.rule.scale).sum()
        return Losses(
            total=total,
            frame=total.detach(),
            utterance=total.new_zeros(()),
            frames=len(wanted),
            target_std=spread(wanted),
            prediction_std=spread(predicted.detach()),
        )

    def _embedded(self, masks: Places, local: Tensor) -> Tensor:
        """The mask's own vector where frames are masked, zeros elsewhere."""
        flags = torch.zeros(local.shape[:2], device=local.device, dtype=local.dtype)
        return flags.scatter(1, masks.hidden, 1.0)[..., None] * self.student.mask_emb

    @torch.no_grad()
    def _targets(self, local: Tensor) -> Tensor:
        outputs = self.teacher(local)
        at_end = self.rule.target.end_of_block
        layers = [output.hidden if at_end else output.feed_forward for output in outputs]
        return frame_targets(layers, self.rule.target)
