"""The encoder of OpenAI Whisper: on its padded 30 s window, or (another upstream) on the clip's own length.

States: 0 after the position embedding, k after block k, and last the final layer norm; transformers gives
either the last block's output or its norm, never both. Valid frames are ceil(samples / 320); what the encoder
makes of the padding is cut off. A clip of more than 30 s is read in consecutive windows of 30 s, whose frames are
concatenated: no frame sees beyond its own window, and the positions start anew in each.

`window: own_length` leaves the padding out: frames see each other and nothing else. The trained encoder has never
heard a clip without its padding, so the numbers are not Whisper's; it costs a fraction for short clips.

Source: Radford et al. 2022, Robust Speech Recognition via Large-Scale Weak Supervision; names as in transformers.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.contracts import Card, HiddenStates
from upstreams import _hub, _lengths, _masked, _random
from upstreams._log_mel import HOP_SAMPLES, WINDOW_SAMPLES, LogMel

_FRAME_SAMPLES = 2 * HOP_SAMPLES
_WINDOW_FRAMES = WINDOW_SAMPLES // _FRAME_SAMPLES
_ENCODER_PREFIXES = ("model.encoder.", "encoder.")


@dataclass(kw_only=True)
class Config:
    """What the cards of this family set."""

    mel_bins: int = 80
    """Mel bands: 80, or 128 from large-v3 on."""
    window: Literal["padded_30s", "own_length"] = "padded_30s"
    """What the encoder sees around a clip; `own_length` is another upstream than Whisper."""
    normalise: bool = False
    """Zero mean and unit variance of every utterance before the log-mel; Whisper was trained without."""


def load(card: Card, config: Config, weights: Path | None) -> Whisper:
    """Load an encoder, or the encoder of a whole model, from a local folder or file or from the hub.

    Raises:
        WeightsError: missing, truncated, or of another architecture than the card's.
    """
    checkpoint = _hub.find(card, weights)
    described = _hub.transformers_config(card, _library().WhisperConfig, checkpoint.config)
    facts = {
        "dim": (described.d_model, card.dim),
        "layers": (described.encoder_layers + 2, card.layers),
        "mel_bins": (described.num_mel_bins, config.mel_bins),
        "max_source_positions": (described.max_source_positions, _WINDOW_FRAMES),
    }
    _hub.require(card, facts)
    with torch.device("meta"):
        encoder = _encoder(described)
    _hub.fill(card, encoder, checkpoint.tensors, _renamed)
    return Whisper(card, config, encoder.eval())


def random_small(card: Card, config: Config, seed: int) -> Whisper:
    """An encoder 32 wide with two blocks on the true window."""
    described = _library().WhisperConfig(
        d_model=32,
        encoder_layers=2,
        encoder_attention_heads=4,
        encoder_ffn_dim=64,
        num_mel_bins=config.mel_bins,
    )
    encoder = _random.seeded(lambda: _encoder(described), seed)
    parameters = sum(weight.numel() for weight in encoder.parameters())
    small = dataclasses.replace(card, dim=32, layers=4, parameters=parameters, hub_id="", revision="")
    return Whisper(small, config, encoder)


class Whisper:
    """An encoder with its front end, ready to extract."""

    def __init__(self, card: Card, config: Config, encoder: nn.Module) -> None:
        self.card, self.config = card, config
        self._encoder: Any = encoder
        self._log_mel = LogMel(_filters(config.mel_bins))
        self.module: nn.Module = nn.ModuleDict({"encoder": encoder, "log_mel": self._log_mel})

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """Hidden states of a zero-padded batch, on the device of the network.

        Args:
            waves: (batch, samples) float32 at 16 kHz.
            lengths: (batch,) int64.

        Raises:
            AudioError: an utterance without samples.
        """
        waves, lengths = _lengths.trimmed(self.card, waves, lengths, self._encoder.device)
        with torch.no_grad():
            if self.config.normalise:
                waves = _masked.normalise(waves, lengths)
            windows = [
                self._window(waves[:, start : start + WINDOW_SAMPLES], lengths - start)
                for start in range(0, waves.shape[1], WINDOW_SAMPLES)
            ]
        states = (
            windows[0] if len(windows) == 1 else [torch.cat(parts, 1) for parts in zip(*windows, strict=True)]
        )
        return HiddenStates(tuple(states), _frames(lengths))

    def _window(self, waves: Tensor, left: Tensor) -> list[Tensor]:
        """States of one window for the rows that reach into it, zeros for the others."""
        rows = (left > 0).nonzero().squeeze(1)
        samples = left[rows].clamp(max=WINDOW_SAMPLES)
        if self.config.window == "padded_30s":
            states = self._padded(waves[rows], samples)
        else:
            states = self._own_length(waves[rows], samples)
        if len(rows) == len(waves):
            return states
        return [state.new_zeros(len(waves), *state.shape[1:]).index_copy(0, rows, state) for state in states]

    def _padded(self, waves: Tensor, samples: Tensor) -> list[Tensor]:
        """As trained: 1,500 frames of which every one is attended to; the utterances' own are kept."""
        longest = int(_frames(samples).max())
        mel = self._log_mel(waves, 2 * _WINDOW_FRAMES)
        hidden = F.gelu(self._encoder.conv2(F.gelu(self._encoder.conv1(mel))))
        return self._blocks(hidden.transpose(1, 2), None, longest)

    def _own_length(self, waves: Tensor, samples: Tensor) -> list[Tensor]:
        """Each utterance ends where its frames end: the convolutions see zeros there, attention nothing.

        Frame k of the second convolution reads 2k - 1 to 2k + 1 of the first: never beyond its own utterance.
        """
        frames = _frames(samples)
        longest = int(frames.max())
        outside = ~_lengths.valid(2 * frames, 2 * longest)[:, None, :]
        mel = self._log_mel(waves, 2 * longest).masked_fill(outside, 0.0)
        hidden = F.gelu(self._encoder.conv2(F.gelu(self._encoder.conv1(mel))))
        return self._blocks(hidden.transpose(1, 2), _masked.key_mask(frames, longest), longest)

    def _blocks(self, hidden: Tensor, keys: Tensor | None, longest: int) -> list[Tensor]:
        """All states, cut to the longest utterance so that the window's padding is freed at once."""
        hidden = hidden + self._encoder.embed_positions.weight[: hidden.shape[1]]
        states = [hidden[:, :longest].contiguous()]
        for layer in self._encoder.layers[:-1]:
            hidden = layer(hidden, keys)
            states.append(hidden[:, :longest].contiguous())
        states.append(_last_block(self._encoder.layers[-1], hidden, keys, longest))
        return [*states, self._encoder.layer_norm(states[-1])]


def _last_block(layer: Any, hidden: Tensor, keys: Tensor | None, longest: int) -> Tensor:  # noqa: ANN401
    """The last block where its output is kept: padding is still attended to, but asks nothing itself.

    The same sums as in the whole block, a fifth less work for a short clip in the tiny encoders.
    """
    normed = layer.self_attn_layer_norm(hidden)
    mixed, _ = layer.self_attn(normed[:, :longest], key_value_states=normed, attention_mask=keys)
    hidden = hidden[:, :longest] + mixed
    return cast(Tensor, hidden + layer.fc2(layer.activation_fn(layer.fc1(layer.final_layer_norm(hidden)))))


def _frames(samples: Tensor) -> Tensor:
    """ceil(samples / 320): Whisper's encoder halves a log-mel of one frame every 160 samples."""
    return torch.div(samples + _FRAME_SAMPLES - 1, _FRAME_SAMPLES, rounding_mode="floor")


def _library() -> Any:  # noqa: ANN401
    """Transformers, whatever state torchaudio is in on this machine."""
    from upstreams import _torchaudio_shim

    _torchaudio_shim.install()
    import transformers

    return transformers


def _encoder(described: Any) -> nn.Module:  # noqa: ANN401
    _library()
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    described._attn_implementation = "sdpa"
    return cast(nn.Module, WhisperEncoder(described))


def _renamed(name: str) -> str:
    """Names of a whole model -> names of its encoder; the decoder's stay strange to it."""
    prefix = next((prefix for prefix in _ENCODER_PREFIXES if name.startswith(prefix)), "")
    return name.removeprefix(prefix)


def _filters(bins: int) -> Tensor:
    """(bins, 201) slaney mel bands from 0 to 8 kHz, of unit area."""
    _library()
    from transformers.audio_utils import mel_filter_bank

    bank = mel_filter_bank(201, bins, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney")
    return torch.from_numpy(bank.T).to(torch.float32).contiguous()
