"""emotion2vec and data2vec 2.0 audio: own implementation that reads fairseq, FunASR and safetensors files.

Ma et al. 2024, "emotion2vec: Self-Supervised Pre-Training for Speech Emotion Representation", arXiv 2312.15185.
Hidden states: the norm before the first block, then every block (4 of the prenet, 8 main in released models);
the frames without the utterance tokens in front of them, unless `features` asks for those.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.contracts import Card, HiddenStates
from harness.errors import WeightsError
from upstreams._emotion2vec_checkpoint import network
from upstreams._emotion2vec_files import read, tokens_beside
from upstreams._emotion2vec_net import Conv, Emotion2vecNet, Sizes
from upstreams._lengths import conv_frames, receptive_field, trimmed, valid
from upstreams._single import Single

LOG = logging.getLogger(__name__)
UNUSED = "unuse"
"""Class names that start so are outputs without a class (FunASR `funasr/models/emotion2vec/model.py`)."""
HUB_FILES = ["*.pt", "*.safetensors", "tokens.txt", "config.yaml", "config.json"]
NORM_EPS = 1e-5


@dataclass(kw_only=True)
class Config:
    """What a card of this family may set."""

    normalise: bool = True
    """Zero mean and unit variance per utterance before padding, as every released model was trained with."""
    official_padding: bool = False
    """Let padded frames leak into the positional convolutions as the original code does; batch-dependent."""
    labels: tuple[str, ...] = ()
    """Class names of the head, for checkpoints without `tokens.txt`."""
    features: Literal["frames", "tokens", "both"] = "frames"
    """`tokens`: one vector per utterance, the mean of its tokens. `both`: that mean behind every frame, twice as
    wide; its mean over time is the mean of the frames beside the mean of the tokens (paper, Table 9: Frm, Utt,
    Utt + Frm; how the two are joined is not said there)."""


class ClassScores(NamedTuple):
    """What the checkpoint's own head says."""

    labels: tuple[str, ...]
    scores: Tensor
    """(batch, labels) probabilities; trained with another loss than softmax, so not calibrated."""


class Emotion2vec:
    """A loaded checkpoint."""

    def __init__(self, card: Card, config: Config, module: Emotion2vecNet, labels: tuple[str, ...]) -> None:
        self.card = card
        self.config = config
        self.module = module
        self.labels = labels

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """Hidden states of a zero-padded batch, on the device of module and waves, as `features` wants them.

        Args:
            waves: (batch, samples) float32 at 16 kHz.
            lengths: (batch,) int64 valid samples of each row.

        Raises:
            AudioError: an utterance is shorter than one frame, or longer than its row.
        """
        states, frames = self._run(waves, lengths)
        if self.config.features == "tokens":
            frames = torch.ones_like(frames)
        return HiddenStates(tuple(map(self._shown, states)), frames)

    def single(self) -> nn.Module:
        """One utterance's walk, (1, samples) -> (layers, frames, dim), as `features` wants it."""
        return Single(self.module, lambda wave: [*map(self._shown, self._equally_long(wave))])

    def _shown(self, state: Tensor) -> Tensor:
        """(batch, tokens + frames, dim) -> what `features` wants of it."""
        if self.config.features == "frames":
            return self._frames(state)
        return self._token_mean(state) if self.config.features == "tokens" else self._frames_and_tokens(state)

    def _frames(self, state: Tensor) -> Tensor:
        """(batch, tokens + frames, dim) -> (batch, frames, dim)."""
        return state[:, self.module.sizes.extra_tokens :]

    def _token_mean(self, state: Tensor) -> Tensor:
        """(batch, tokens + frames, dim) -> (batch, 1, dim)."""
        return state[:, : self.module.sizes.extra_tokens].mean(1, keepdim=True)

    def _frames_and_tokens(self, state: Tensor) -> Tensor:
        """(batch, tokens + frames, dim) -> (batch, frames, 2 * dim)."""
        frames = self._frames(state)
        return torch.cat([frames, self._token_mean(state).expand_as(frames)], dim=-1)

    def utterance_tokens(self, waves: Tensor, lengths: Tensor) -> Tensor:
        """(batch, tokens, dim) last state of the utterance tokens, which `extract` removes."""
        states, _ = self._run(waves, lengths)
        return states[-1][:, : self.module.sizes.extra_tokens]

    def classify(self, waves: Tensor, lengths: Tensor) -> ClassScores:
        """Probabilities of the checkpoint's own classes, unused outputs masked and left out.

        Source: FunASR `Emotion2vec.inference`: head on the mean over frames, then softmax.

        Raises:
            WeightsError: the checkpoint has no head, or nobody says what its outputs mean.
        """
        if self.module.proj is None:
            raise WeightsError(
                f"{self.card.name} has no classification head",
                got="features only",
                wanted="a checkpoint with proj.weight and proj.bias",
                next_step="choose upstream=emotion2vec_plus_base or another of the plus models",
            )
        labels = self._class_names(self.module.sizes.classes)
        states, frames = self._run(waves, lengths)
        logits = self.module.proj(_masked_mean(self._frames(states[-1]), frames))
        used = [place for place, label in enumerate(labels) if not label.startswith(UNUSED)]
        return ClassScores(tuple(labels[place] for place in used), logits[:, used].softmax(-1))

    def _class_names(self, classes: int) -> tuple[str, ...]:
        if len(self.labels) != classes:
            raise WeightsError(
                f"the names of the classes of {self.card.name} do not fit its head",
                got=f"{len(self.labels)} names: {', '.join(self.labels) or '(no tokens.txt)'}",
                wanted=f"{classes}, one per output",
                next_step="put the publisher's tokens.txt beside the checkpoint, or set upstream.options.labels",
            )
        return self.labels

    def _run(self, waves: Tensor, lengths: Tensor) -> tuple[list[Tensor], Tensor]:
        waves, lengths = trimmed(self.card, waves, lengths, self.module.audio.alibi_scale.device)
        sizes, longest = self.module.sizes, waves.shape[1]
        frames = conv_frames(lengths, sizes.kernels, sizes.strides)
        if int(lengths.min()) == longest:
            return self._equally_long(waves), frames
        if self.config.normalise:
            waves = _normalised(waves, lengths)
        padded = None if int(frames.min()) == int(frames.max()) else valid(frames, int(frames.max()))
        return self.module(waves, padded, silence_padding=not self.config.official_padding), frames

    def _equally_long(self, waves: Tensor) -> list[Tensor]:
        """All states (batch, tokens + frames, dim) of waves without padding."""
        if self.config.normalise:
            waves = F.layer_norm(waves, waves.shape[1:], eps=NORM_EPS)
        states: list[Tensor] = self.module(waves, None, silence_padding=not self.config.official_padding)
        return states


def presented(card: Card, config: Config) -> Card:
    """The card of the features that `config.features` asks for: their width, and whether they have frames."""
    if config.features == "tokens":
        return replace(card, hop_samples=None)
    return replace(card, dim=2 * card.dim) if config.features == "both" else card


def load(card: Card, config: Config, weights: Path | None) -> Emotion2vec:
    """Load a checkpoint from a file or folder, or from the hub where `weights` is None.

    Raises:
        WeightsError: missing, truncated, of another architecture, or not what the card describes.
    """
    checkpoint = read(weights if weights is not None else _from_hub(card))
    module = network(checkpoint, card)
    if config.features != "frames" and not module.sizes.extra_tokens:
        raise WeightsError(
            f"{card.name} has no utterance tokens",
            got=f"upstream.options.features={config.features}",
            wanted="a checkpoint that was pre-trained with tokens",
            next_step="set upstream.options.features=frames, or choose upstream=emotion2vec_base",
        )
    labels = tokens_beside(checkpoint.path) or tuple(config.labels)
    return Emotion2vec(presented(card, config), config, module, labels)


def random_small(card: Card, config: Config, seed: int) -> Emotion2vec:
    """A tiny network whose every weight is drawn, norms, tokens and distance scales included."""
    convs = tuple(Conv(16, kernel, stride) for _, kernel, stride in Sizes().convs)
    sizes = Sizes(
        dim=32,
        heads=4,
        mlp_dim=64,
        prenet=2,
        depth=2,
        convs=convs,
        alibi_scales=4,
        classes=len(config.labels),
    )
    module = Emotion2vecNet(sizes).eval().requires_grad_(False)
    _draw(module, torch.Generator().manual_seed(seed))
    own = replace(
        card,
        dim=sizes.dim,
        layers=sizes.prenet + sizes.depth + 1,
        hop_samples=math.prod(sizes.strides),
        min_samples=receptive_field(sizes.kernels, sizes.strides),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
    )
    return Emotion2vec(presented(own, config), config, module, tuple(config.labels))


def _draw(module: Emotion2vecNet, generator: torch.Generator) -> None:
    """Weights scaled by their inputs; gains and distance scales around one, biases and tokens around zero."""
    for name, parameter in module.named_parameters():
        weight = parameter.ndim > 1 and not name.endswith(("extra_tokens", "alibi_scale"))
        around_one = name.endswith("alibi_scale") or (parameter.ndim == 1 and name.endswith("weight"))
        spread = parameter[0].numel() ** -0.5 if weight else 0.2
        parameter.normal_(1.0 if around_one else 0.0, spread, generator=generator)


def _normalised(waves: Tensor, lengths: Tensor) -> Tensor:
    """Every utterance normalised over its own samples, as alone, and zeros behind it."""
    rows = torch.zeros_like(waves)
    for row, wave, length in zip(rows, waves, lengths.tolist(), strict=True):
        row[:length] = F.layer_norm(wave[:length], (length,), eps=NORM_EPS)
    return rows


def _masked_mean(states: Tensor, frames: Tensor) -> Tensor:
    """(batch, frames, dim) -> (batch, dim), over each utterance's own frames."""
    outside = ~valid(frames, states.shape[1])[..., None]
    return states.masked_fill(outside, 0.0).sum(1) / frames[:, None]


def _from_hub(card: Card) -> Path:
    help_offline = f"download it from {card.source} and give upstream.path=DIR, or put it in a folder "
    help_offline += f"{card.name} below the folder that EMOHARNESS_WEIGHTS names"
    if not card.hub_id:
        raise WeightsError(
            f"{card.name} is not on the hub",
            got="no upstream.path",
            wanted="a local checkpoint",
            next_step=help_offline,
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    if not card.revision:
        LOG.warning("%s: the card names no revision, so the hub's newest is taken", card.name)
    try:
        folder = snapshot_download(card.hub_id, revision=card.revision or None, allow_patterns=HUB_FILES)
    except (OSError, ValueError, HfHubHTTPError) as fault:
        raise WeightsError(
            f"{card.name} cannot be fetched from the hub",
            got=f"{card.hub_id}: {type(fault).__name__}: {str(fault).split(chr(10))[0][:160]}",
            wanted="a connection to the hub, or a local checkpoint",
            next_step=help_offline,
        ) from fault
    return Path(folder)
