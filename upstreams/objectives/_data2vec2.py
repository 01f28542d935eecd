"""The pre-training objective of data2vec 2.0 and emotion2vec: a student that sees half, a teacher that sees all.

Source: Ma et al. 2024, arXiv 2312.15185, section 3, and the code that was really run: facebookresearch/fairseq at
3d262bb (`examples/data2vec/models/data2vec2.py`) with the utterance loss of ddlBoJack/fairseq, branch emotion2vec,
at 47cc7d53. Where paper and code differ, the presets in `recipes/pretrain/` say which value is whose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from upstreams._emotion2vec_net import AudioEncoder, BlockOutput, Emotion2vecNet, Sizes, conv_over_time
from upstreams.objectives._losses import Losses, root_mean_square, scaled_error, spread
from upstreams.objectives._masks import Places
from upstreams.objectives._targets import TargetRule, frame_targets, raw_mean


@dataclass(frozen=True, kw_only=True)
class DecoderSizes:
    """The convolutional decoder that fills in the masked frames."""

    dim: int = 384
    layers: int = 4
    kernel: int = 7
    groups: int = 16


@dataclass(frozen=True, kw_only=True)
class LossRule:
    """What is learnt; the defaults are the released run's."""

    frame_weight: float = 1.0
    utterance: Literal["chunk", "token", "global", "none"] = "chunk"
    """`chunk`: mean of all tokens' outputs; `token`: the last token's; `global`: mean over the visible frames."""
    utterance_weight: float = 1.0
    """The paper's alpha."""
    utterance_target: Literal["normed_mean", "raw_mean"] = "normed_mean"
    """`normed_mean`: mean over time of the frame targets, zero under instance norm, as released."""
    utterance_reduction: Literal["sum", "mean"] = "sum"
    """Over utterances and clones: `sum` as released, where the term weighs the more the larger the batch is."""
    utterance_dropout: bool = False
    """Let the dropout of the decoder's input reach what the utterance loss reads: the original drops in place."""
    beta: float = 0.0
    """Where smooth L1 turns from square to straight; 0 is the squared error."""
    scale: float | None = None
    """Of the error; None: one over the square root of the dimension."""
    clones: int = 8
    """Masked copies of every utterance."""
    noise_std: float = 0.01
    """Of what stands in the decoder's input where frames are masked."""
    target: TargetRule = field(default_factory=TargetRule)


class Decoder(nn.Module):
    """Grouped convolutions over time with residuals where the widths agree."""

    def __init__(self, dim: int, sizes: DecoderSizes) -> None:
        super().__init__()
        inputs = [dim, *[sizes.dim] * (sizes.layers - 1)]
        self.blocks = nn.ModuleList(
            conv_over_time(channels, sizes.dim, sizes.kernel, sizes.groups) for channels in inputs
        )
        self.proj = nn.Linear(sizes.dim, dim)

    def forward(self, frames: Tensor) -> Tensor:
        """(batch, frames, dim) -> the same shape."""
        x = frames.transpose(1, 2)
        for block in self.blocks:
            y = block(x)
            x = x + y if x.shape == y.shape else y
        out: Tensor = self.proj(x.transpose(1, 2))
        return out


class Encoded(NamedTuple):
    """What the student makes of the clones of a batch."""

    tokens: Tensor
    """(batch * clones, tokens, dim)."""
    visible: Tensor
    """(batch * clones, visible frames, dim)."""

    def dropped(self, share: float) -> Encoded:
        """With a share of its values dropped."""
        return Encoded(*(F.dropout(part, share) for part in self))


class Data2vec2Objective(nn.Module):
    """Student, decoder and teacher of one pre-training."""

    def __init__(self, sizes: Sizes, decoder: DecoderSizes, rule: LossRule) -> None:
        super().__init__()
        self.sizes, self.rule = sizes, rule
        self.student = Emotion2vecNet(sizes)
        self.student.audio.decoder = Decoder(sizes.dim, decoder)
        self.teacher = teacher_of(self.student)

    def train(self, mode: bool = True) -> Data2vec2Objective:
        """As any module, but for the teacher, which never drops anything."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, waves: Tensor, masks: Places, noise: Tensor | None = None) -> Losses:
        """The losses of a batch of equally long utterances.

        Args:
            waves: (batch, samples) normalised.
            masks: batch * clones rows, clones of an utterance next to each other.
            noise: (batch * clones, frames, dim) to stand at masked places; None: drawn.
        """
        local = self.student.audio.local_features(waves)
        layers = self._teach(local.detach())
        target = frame_targets(layers, self.rule.target)
        encoded = self._encode(local, masks)
        dropped = encoded.dropped(self.sizes.dropouts.decoder_input) if self.training else encoded
        decoded = self._decode(dropped.visible, masks, noise)
        predicted = decoded.take_along_dim(masks.hidden[..., None], 1).flatten(0, 1)
        wanted = self._cloned(target).take_along_dim(masks.hidden[..., None], 1).flatten(0, 1)
        frame = self._error(predicted, wanted).sum() * self.rule.frame_weight
        said = dropped if self.rule.utterance_dropout else encoded
        held_to = self._utterance_target(layers, target)
        utterance = self._utterance(said, held_to, frames=len(wanted))
        return Losses(
            total=frame + utterance,
            frame=frame.detach(),
            utterance=utterance.detach(),
            frames=len(wanted),
            target_std=spread(wanted),
            prediction_std=spread(predicted.detach()),
            utterance_target_rms=None if held_to is None else root_mean_square(held_to),
        )

    @torch.no_grad()
    def _teach(self, local: Tensor) -> list[Tensor]:
        """Outputs of the teacher's main blocks for everything that is heard, without its tokens."""
        audio = self.teacher.audio
        places = torch.arange(local.shape[1], device=local.device)[None]
        bias = audio.attention_bias(places, None)
        x = audio.context_encoder.norm(audio.with_tokens(local + audio.positions(local, None)))
        for block in audio.context_encoder.blocks:
            x = block(x, bias).hidden
        outputs = []
        for block in self.teacher.blocks:
            output: BlockOutput = block(x, bias)
            x = output.hidden
            outputs.append(output.hidden if self.rule.target.end_of_block else output.feed_forward)
        return [output[:, self.sizes.extra_tokens :] for output in outputs]

    def _encode(self, local: Tensor, masks: Places) -> Encoded:
        """After the last block."""
        audio, drops = self.student.audio, self.sizes.dropouts
        clones, hidden = self._cloned(local), masks.hidden[..., None].expand(-1, -1, local.shape[2])
        positions = audio.positions(clones.scatter(1, hidden, 0.0), None)
        visible = (clones + positions).take_along_dim(masks.seen[..., None], 1)
        x = F.dropout(
            audio.context_encoder.norm(audio.with_tokens(visible)), drops.prenet_input, self.training
        )
        bias = audio.attention_bias(masks.seen, None)
        for block in self._kept([*audio.context_encoder.blocks, *self.student.blocks]):
            x = block(x, bias).hidden
        tokens = self.sizes.extra_tokens
        return Encoded(x[:, :tokens], x[:, tokens:])

    def _cloned(self, x: Tensor) -> Tensor:
        """(batch, ...) -> (batch * clones, ...)."""
        return x.repeat_interleave(self.rule.clones, 0)

    def _kept(self, blocks: Sequence[nn.Module]) -> Iterator[nn.Module]:
        """The blocks that this step runs: in training each is left out now and then."""
        for block in blocks:
            if not self.training or torch.rand(()) >= self.sizes.dropouts.layer:
                yield block

    def _decode(self, visible: Tensor, masks: Places, noise: Tensor | None) -> Tensor:
        rows, seen, dim = visible.shape
        if noise is None:
            frames = seen + masks.hidden.shape[1]
            noise = torch.randn(rows, frames, dim, device=visible.device) * self.rule.noise_std
        filled = noise.to(visible.dtype).scatter(1, masks.seen[..., None].expand_as(visible), visible)
        decoded: Tensor = cast(Decoder, self.student.audio.decoder)(filled)
        return decoded

    def _utterance_target(self, layers: Sequence[Tensor], target: Tensor) -> Tensor | None:
        """(batch, dim) that utterances are held to; None where there is no utterance loss."""
        rule = self.rule
        if rule.utterance == "none" or rule.utterance_weight == 0:
            return None
        return raw_mean(layers, rule.target) if rule.utterance_target == "raw_mean" else target.mean(1)

    def _utterance(self, said: Encoded, wanted: Tensor | None, frames: int) -> Tensor:
        rule = self.rule
        if wanted is None:
            return said.visible.new_zeros((), dtype=torch.float32)
        if rule.utterance == "global":
            predicted = said.visible.mean(1)
        else:
            predicted = said.tokens.mean(1) if rule.utterance == "chunk" else said.tokens[:, -1]
        error = self._error(predicted, self._cloned(wanted)).sum()
        share = len(predicted) if rule.utterance_reduction == "mean" else 1
        return error * (rule.utterance_weight * frames / share)

    def _error(self, predicted: Tensor, wanted: Tensor) -> Tensor:
        return scaled_error(predicted, wanted, self.rule.beta, self.rule.scale)


def teacher_of(student: Emotion2vecNet) -> Emotion2vecNet:
    """A copy of the student's tokens, positions and blocks; it hears the student's own local features."""
    teacher = Emotion2vecNet(student.sizes)
    audio: AudioEncoder = teacher.audio
    del audio.local_encoder, audio.project_features
    own = student.state_dict()
    teacher.load_state_dict({name: own[name] for name in teacher.state_dict()})
    return teacher.eval().requires_grad_(False)
