"""The network of data2vec 2.0 audio, which emotion2vec shares; names of its tensors as in the checkpoints.

Source: Ma et al. 2024, arXiv 2312.15185; code facts from ddlBoJack/emotion2vec `upstream/models/{base,audio,
emotion2vec,modules}.py` and facebookresearch/fairseq `examples/data2vec`. Every GELU is the exact (erf) one.
What only training uses (decoder, masks, targets) is in `objectives/`; its dropouts rest in evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from upstreams import _distance_bias, _long

CONV_EPS = 1e-5
"""Epsilon of the norms outside the Transformer: PyTorch's default, which the original leaves as it is."""


class Conv(NamedTuple):
    """One layer of the waveform encoder."""

    channels: int
    kernel: int
    stride: int


RELEASED_CONVS = (Conv(512, 10, 5), *[Conv(512, 3, 2)] * 4, *[Conv(512, 2, 2)] * 2)
"""`feature_encoder_spec` of every released model; the paper's text prints kernels and strides swapped."""


@dataclass(frozen=True, kw_only=True)
class Dropouts:
    """Shares that are dropped in training; nothing is in evaluation. The defaults are the released run's."""

    attention: float = 0.1
    """Of the attention weights."""
    block: float = 0.1
    """Of the outputs of attention and feed-forward, before they join the residual."""
    prenet_input: float = 0.1
    """Of what the first norm gives."""
    layer: float = 0.05
    """Of whole blocks, prenet and main."""
    decoder_input: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Everything that shapes the network; the defaults are emotion2vec base."""

    dim: int = 768
    heads: int = 12
    mlp_dim: int = 3072
    prenet: int = 4
    """Blocks that the checkpoint files under `context_encoder`."""
    depth: int = 8
    convs: tuple[Conv, ...] = RELEASED_CONVS
    position_layers: int = 5
    position_kernel: int = 19
    position_groups: int = 16
    alibi_scales: int = 12
    """1 where all heads share one learned scale, else the number of heads."""
    extra_tokens: int = 10
    classes: int = 0
    """Outputs of the classification head; 0 where there is none."""
    norm_eps: float = 1e-5
    dropouts: Dropouts = field(default_factory=Dropouts)

    @property
    def kernels(self) -> list[int]:
        """Kernels of the waveform encoder, in samples of the layer's input."""
        return [conv.kernel for conv in self.convs]

    @property
    def strides(self) -> list[int]:
        """Strides of the waveform encoder; their product is the hop in samples."""
        return [conv.stride for conv in self.convs]


class Swap(nn.Module):
    """(batch, a, b) -> (batch, b, a)."""

    def forward(self, x: Tensor) -> Tensor:
        """Swap channels and time."""
        return x.transpose(1, 2)


class FramewiseConv1d(nn.Conv1d):
    """A convolution that keeps the channels of a frame together in memory, as the norm after it needs them.

    PyTorch's own gives every channel a row of its own: norm and GELU then read across rows, and their gradients
    are copied to and fro. Computed as a picture of height one, for which PyTorch has this layout.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, frames) -> the same order of dimensions, channels next to each other."""
        picture, kernel = (
            rows.unsqueeze(2).to(memory_format=torch.channels_last) for rows in (x, self.weight)
        )
        stride, padding = (1, self.stride[0]), (0, int(self.padding[0]))
        return F.conv2d(picture, kernel, self.bias, stride, padding, groups=self.groups).squeeze(2)


class WaveformEncoder(nn.Module):
    """Convolutions over the waveform, each followed by a norm over channels; no padding, no bias."""

    def __init__(self, convs: Sequence[Conv]) -> None:
        super().__init__()
        inputs = [1, *(conv.channels for conv in convs)]
        self.conv_layers = nn.ModuleList(self._layer(*pair) for pair in zip(inputs, convs, strict=False))
        self._steps = _long.Steps([conv.kernel for conv in convs], [conv.stride for conv in convs])

    @staticmethod
    def _layer(channels: int, conv: Conv) -> nn.Sequential:
        # The empty place is the original's dropout; the names of the tensors depend on it.
        return nn.Sequential(
            FramewiseConv1d(channels, conv.channels, conv.kernel, conv.stride, bias=False),
            nn.Identity(),
            nn.Sequential(Swap(), nn.LayerNorm(conv.channels, eps=CONV_EPS), Swap()),
            nn.GELU(),
        )

    def forward(self, waves: Tensor) -> Tensor:
        """(batch, samples) -> (batch, channels, frames)."""
        x = waves[:, None]
        if _long.is_long(waves):
            return _long.encoded(list(self.conv_layers), x, self._steps)
        for layer in self.conv_layers:
            x = layer(x)
        return x


def conv_over_time(inputs: int, outputs: int, kernel: int, groups: int) -> nn.Sequential:
    """A layer of positional convolutions and of decoders; (batch, inputs, frames) -> (batch, outputs, frames)."""
    return nn.Sequential(
        FramewiseConv1d(inputs, outputs, kernel, padding=kernel // 2, groups=groups),
        Swap(),
        nn.LayerNorm(outputs, eps=CONV_EPS, elementwise_affine=False),
        Swap(),
        nn.GELU(),
    )


class LongBias(NamedTuple):
    """ALiBi of a clip of minutes, whose pairs of frames are too many to be written out at once."""

    values: Tensor
    """(heads, 2 * frames - 1), one per distance."""
    tokens: int
    """Places before the frames, without a bias."""

    def rows(self, queries: slice) -> Tensor:
        """(1, heads, queries, frames + tokens), the last key first."""
        first, last = (max(0, place - self.tokens) for place in (queries.start, queries.stop))
        own = _distance_bias.rows_of(self.values, slice(first, last))
        return F.pad(own, (0, self.tokens, queries.stop - queries.start - (last - first), 0))[None]


class Attention(nn.Module):
    """Self-attention with one fused projection and an additive bias on the logits."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.qkv = nn.Linear(sizes.dim, 3 * sizes.dim)
        self.proj = nn.Linear(sizes.dim, sizes.dim)
        self.dropouts = sizes.dropouts

    def forward(self, x: Tensor, bias: Tensor | LongBias) -> Tensor:
        """(batch, places, dim) and (batch or 1, heads, places, places) -> (batch, places, dim)."""
        batch, places, dim = x.shape
        qkv = self.qkv(x).view(batch, places, 3, self.heads, dim // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        dropped = self.dropouts.attention if self.training else 0.0
        if isinstance(bias, LongBias):
            mixed = _distance_bias.attend(query, key, value, bias.rows)
        else:
            mixed = F.scaled_dot_product_attention(
                query, key, value, attn_mask=bias.to(query.dtype), dropout_p=dropped
            )
        projected: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, places, dim))
        return F.dropout(projected, self.dropouts.block, self.training)


class Mlp(nn.Module):
    """The feed-forward half of a block."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.fc1 = nn.Linear(sizes.dim, sizes.mlp_dim)
        self.fc2 = nn.Linear(sizes.mlp_dim, sizes.dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> (..., dim)."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class BlockOutput(NamedTuple):
    """What a block gives, both (batch, places, dim)."""

    hidden: Tensor
    feed_forward: Tensor
    """Before the residual and the last norm: the target of pre-training."""


class Block(nn.Module):
    """A Transformer block that normalises after each residual (post-LN)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(sizes.dim, eps=sizes.norm_eps)
        self.attn = Attention(sizes)
        self.norm2 = nn.LayerNorm(sizes.dim, eps=sizes.norm_eps)
        self.mlp = Mlp(sizes)
        self.dropouts = sizes.dropouts

    def forward(self, x: Tensor, bias: Tensor | LongBias) -> BlockOutput:
        """(batch, places, dim) -> the same shape, twice."""
        x = self.norm1(x + self.attn(x, bias))
        feed_forward = self.mlp(x)
        added = F.dropout(feed_forward, self.dropouts.block, self.training)
        return BlockOutput(self.norm2(x + added), feed_forward)


class Prenet(nn.Module):
    """The first blocks; their norm comes before them."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.prenet))
        self.norm = nn.LayerNorm(sizes.dim, eps=sizes.norm_eps)


class AudioEncoder(nn.Module):
    """From the waveform to tokens and frames ready for the blocks, and the bias of their attention."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        if sizes.extra_tokens:
            self.extra_tokens = nn.Parameter(torch.zeros(1, sizes.extra_tokens, sizes.dim))
        self.alibi_scale = nn.Parameter(torch.ones(1, 1, sizes.alibi_scales, 1, 1))
        self.local_encoder = WaveformEncoder(sizes.convs)
        channels = sizes.convs[-1].channels
        self.project_features = nn.Sequential(
            Swap(), nn.LayerNorm(channels, eps=CONV_EPS), nn.Linear(channels, sizes.dim)
        )
        channels, kernel, groups = sizes.dim, sizes.position_kernel, sizes.position_groups
        layers = [conv_over_time(channels, channels, kernel, groups) for _ in range(sizes.position_layers)]
        self.relative_positional_encoder = nn.Sequential(Swap(), *layers)
        self.context_encoder = Prenet(sizes)
        self.sizes = sizes

    def local_features(self, waves: Tensor) -> Tensor:
        """(batch, samples) normalised waves -> (batch, frames, dim)."""
        out: Tensor = self.project_features(self.local_encoder(waves))
        return out

    def positions(self, local: Tensor, valid: Tensor | None) -> Tensor:
        """Output of the positional convolutions, to be added to the local features.

        Args:
            local: (batch, frames, dim).
            valid: (batch, frames) bool. Frames outside are silenced before every layer, so that padding says
                nothing to its neighbours: stacked, the layers reach 45 frames to either side.
        """
        frames = local.shape[1]
        outside = None if valid is None else ~valid[:, None]
        x = local.transpose(1, 2)
        for layer in list(self.relative_positional_encoder)[1:]:
            x = x if outside is None else x.masked_fill(outside, 0.0)
            x = layer(x)[..., :frames]  # an even kernel gives one frame too many
        return x.transpose(1, 2)

    def with_tokens(self, frames: Tensor) -> Tensor:
        """(batch, frames, dim) -> (batch, tokens + frames, dim)."""
        if not self.sizes.extra_tokens:
            return frames
        return torch.cat([self.extra_tokens.expand(frames.shape[0], -1, -1), frames], dim=1)

    def attention_bias(self, places: Tensor, valid: Tensor | None) -> Tensor:
        """ALiBi by distance in time, nothing for tokens, minus infinity for keys that are padding.

        Args:
            places: (batch or 1, frames) index of every frame in its utterance; need not be consecutive.
            valid: (batch, frames) bool, or None where every frame is.

        Returns:
            (batch or 1, heads, tokens + frames, tokens + frames) float32.
        """
        tokens = self.sizes.extra_tokens
        slopes = torch.tensor(alibi_slopes(self.sizes.heads), device=places.device)[None, :, None, None]
        distance = (places[:, None, :, None] - places[:, None, None, :]).abs()
        bias = F.pad(-slopes * distance * self.alibi_scale[0].clamp_min(0).float(), (tokens, 0, tokens, 0))
        if valid is None:
            return bias
        keys = F.pad(valid, (tokens, 0), value=True)[:, None, None, :]
        return torch.where(keys, bias, -torch.inf)

    def long_bias(self, frames: int) -> LongBias:
        """What `attention_bias` gives for so many consecutive frames, without padding."""
        device = self.alibi_scale.device
        slopes = torch.tensor(alibi_slopes(self.sizes.heads), device=device)[:, None]
        distance = torch.arange(1 - frames, frames, device=device).abs()
        scale = self.alibi_scale[0, 0, :, :, 0].clamp_min(0).float()
        return LongBias(-slopes * distance * scale, self.sizes.extra_tokens)


def alibi_slopes(heads: int) -> list[float]:
    """Slope per head: geometric for a power of two, else filled up from the next finer series.

    Source: Press et al. 2022 (ALiBi), as in fairseq `data2vec/models/modalities/base.py:get_alibi`.
    >>> alibi_slopes(4)
    [0.25, 0.0625, 0.015625, 0.00390625]
    """
    power = 1 << (heads.bit_length() - 1)
    return _series(power) + _series(2 * power)[::2][: heads - power]


def _series(heads: int) -> list[float]:
    return [2.0 ** (-8.0 * (head + 1) / heads) for head in range(heads)]


class Emotion2vecNet(nn.Module):
    """The student without its decoder; with `proj` where the checkpoint classifies emotions."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.modality_encoders = nn.ModuleDict({"AUDIO": AudioEncoder(sizes)})
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.depth))
        self.proj = nn.Linear(sizes.dim, sizes.classes) if sizes.classes else None
        self.sizes = sizes

    @property
    def audio(self) -> AudioEncoder:
        """The part before the main blocks."""
        return cast(AudioEncoder, self.modality_encoders["AUDIO"])

    def forward(self, waves: Tensor, valid: Tensor | None, *, silence_padding: bool = True) -> list[Tensor]:
        """All hidden states, tokens first.

        Args:
            waves: (batch, samples) float32, normalised, zero where padded.
            valid: (batch, frames) bool, or None where every frame is.
            silence_padding: keep padded frames out of the positional convolutions. The original does not,
                and its features of a padded batch differ from those of single utterances.

        Returns:
            Output of the first norm, then of every block: (batch, tokens + frames, dim) each.
        """
        audio = self.audio
        local = audio.local_features(waves)
        x = audio.with_tokens(local + audio.positions(local, valid if silence_padding else None))
        bias: Tensor | LongBias
        # Attention in pieces drops nothing, so a network in training does without.
        if valid is None and not self.training and _distance_bias.is_long(local):
            bias = audio.long_bias(local.shape[1])
        else:
            bias = audio.attention_bias(torch.arange(local.shape[1], device=local.device)[None], valid)
        states = [audio.context_encoder.norm(x)]
        for block in [*audio.context_encoder.blocks, *self.blocks]:
            states.append(block(states[-1], bias).hidden)
        return states
