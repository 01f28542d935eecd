"""wav2vec 2.0, HuBERT, WavLM and data2vec-audio through transformers, exact in any padded batch.

The networks and their weights are those of transformers; the walk through them is ours, because transformers'
own lets the padding of a batch into group norms and stacked positional convolutions, and since 5.x returns the
large models' last state without their final layer norm.

States: 0 is the input of the first block (projected features plus positional convolution, and their norm where
blocks normalise last), k the output of block k; the last one of the `stable_layer_norm` models after the final
norm, as in transformers 4, fairseq and s3prl.

Sources: Baevski et al. 2020, wav2vec 2.0; Hsu et al. 2021, HuBERT; Chen et al. 2022, WavLM; Baevski et al. 2022,
data2vec; `normalize` in the training configurations of fairseq and unilm for the input normalisation.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast

import torch
from torch import Tensor, nn

from harness.contracts import Card, HiddenStates
from harness.errors import ConfigError
from upstreams import _distance_bias, _hub, _lengths, _long, _masked, _random, _wavlm
from upstreams._data2vec_names import to_transformers
from upstreams._single import Single


@dataclass(kw_only=True)
class Config:
    """What the cards of this family set."""

    architecture: Literal["wav2vec2", "hubert", "wavlm", "data2vec-audio"]
    """`model_type` in the checkpoint's `config.json`."""
    feature_norm: Literal["group", "layer"]
    """Norm in the convolutional front end: one group norm, or a layer norm after every convolution."""
    stable_layer_norm: bool
    """Blocks that normalise first, and a final norm: the large models trained on 53,000 hours and more."""
    normalise: bool
    """Zero mean and unit variance of every utterance before the network, as it was trained."""

    def __post_init__(self) -> None:
        if self.architecture == "data2vec-audio" and (self.feature_norm, self.stable_layer_norm) != (
            "layer",
            False,
        ):
            raise ConfigError(
                "data2vec-audio comes in one kind only",
                got=f"feature_norm {self.feature_norm}, stable_layer_norm {self.stable_layer_norm}",
                wanted="feature_norm layer, stable_layer_norm false",
                next_step="mend upstream.options, or leave them as on the card",
            )


class _Library(NamedTuple):
    """Names in transformers."""

    model: str
    config: str
    prefix: str
    """What names of the base model start with in a checkpoint that has heads."""


_LIBRARY: Mapping[str, _Library] = MappingProxyType(
    {
        "wav2vec2": _Library("Wav2Vec2Model", "Wav2Vec2Config", "wav2vec2."),
        "hubert": _Library("HubertModel", "HubertConfig", "hubert."),
        "wavlm": _Library("WavLMModel", "WavLMConfig", "wavlm."),
        "data2vec-audio": _Library("Data2VecAudioModel", "Data2VecAudioConfig", "data2vec_audio."),
    }
)


def load(card: Card, config: Config, weights: Path | None) -> HfUpstream:
    """Load a checkpoint from a local folder or file, or from the hub at the card's revision.

    Raises:
        WeightsError: missing, truncated, or of another architecture than the card's.
    """
    checkpoint = _hub.find(card, weights)
    library = _LIBRARY[config.architecture]
    described = _hub.transformers_config(card, _from_transformers(library.config), checkpoint.config)
    _hub.require(card, _facts(card, config, described))
    with torch.device("meta"):
        network = _network(config, described)
    _hub.fill(card, network, checkpoint.tensors, _renamer(library.prefix), unused=("masked_spec_embed",))
    return HfUpstream(card, config, network.eval())


def random_small(card: Card, config: Config, seed: int) -> HfUpstream:
    """A network of the card's architecture with the true front end strides, 32 wide, two blocks."""
    described = _from_transformers(_LIBRARY[config.architecture].config)(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        conv_dim=[16] * 7,
        num_conv_pos_embedding_groups=4,
        feat_extract_norm=config.feature_norm,
        do_stable_layer_norm=config.stable_layer_norm,
    )
    network = _random.seeded(lambda: _network(config, described), seed)
    parameters = sum(weight.numel() for weight in network.parameters())
    small = dataclasses.replace(card, dim=32, layers=3, parameters=parameters, hub_id="", revision="")
    return HfUpstream(small, config, network)


class HfUpstream:
    """A network of this family, ready to extract."""

    def __init__(self, card: Card, config: Config, network: nn.Module) -> None:
        self.card, self.config = card, config
        self.module: nn.Module = network
        self._network: Any = network

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """Hidden states of a zero-padded batch, on the device of the network.

        Args:
            waves: (batch, samples) float32 at 16 kHz.
            lengths: (batch,) int64.

        Raises:
            AudioError: an utterance is shorter than the receptive field of one frame.
        """
        waves, lengths = _lengths.trimmed(self.card, waves, lengths, self._network.device)
        with torch.no_grad():
            frames = self._frames(lengths)
            padded = int(lengths.min()) < waves.shape[1]
            return HiddenStates(tuple(self._walk(waves, lengths if padded else None)), frames)

    def single(self) -> nn.Module:
        """One utterance's walk, (1, samples) -> (layers, frames, dim)."""
        return Single(self.module, self._walk)

    def _frames(self, lengths: Tensor) -> Tensor:
        for layer in self._network.feature_extractor.conv_layers:
            lengths = _lengths.conv_frames(lengths, layer.conv.kernel_size, layer.conv.stride)
        return lengths

    def _walk(self, waves: Tensor, lengths: Tensor | None = None) -> list[Tensor]:
        """All states (batch, frames, dim); no lengths: the waves are equally long, and nothing is masked."""
        if self.config.normalise:
            counts = torch.full((len(waves),), waves.shape[1], device=waves.device)
            waves = _masked.normalise(waves, counts if lengths is None else lengths)
        if lengths is None and _long.is_long(waves):
            return self._encode(self._long_front_end(waves), None)
        return self._encode(*self._front_end(waves, lengths))

    def _front_end(self, waves: Tensor, frames: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(batch, time, features) of the convolutions, and the valid frames."""
        hidden = waves[:, None]
        for layer in self._network.feature_extractor.conv_layers:
            norm = getattr(layer, "layer_norm", None)
            if frames is not None:
                frames = _lengths.conv_frames(frames, layer.conv.kernel_size, layer.conv.stride)
            if frames is not None and isinstance(norm, nn.GroupNorm):
                hidden = layer.activation(_masked.group_norm(layer.conv(hidden), frames, norm))
            else:
                hidden = layer(hidden)
        return hidden.transpose(1, 2), frames

    def _long_front_end(self, waves: Tensor) -> Tensor:
        """(1, time, features) of the convolutions over a clip of minutes."""
        layers, hidden = list(self._network.feature_extractor.conv_layers), waves[:, None]
        kernels, strides = (
            [getattr(layer.conv, name)[0] for layer in layers] for name in ("kernel_size", "stride")
        )
        if self.config.feature_norm == "group":
            layers[0] = _long.group_normed(layers[0], hidden)
        return _long.encoded(layers, hidden, _long.Steps(kernels, strides)).transpose(1, 2)

    def _encode(self, features: Tensor, frames: Tensor | None) -> list[Tensor]:
        encoder, total = self._network.encoder, features.shape[1]
        states = [self._encoder_input(features, None if frames is None else _lengths.valid(frames, total))]
        keys = None if frames is None else _masked.key_mask(frames, total)
        distances = self._distances(states[0])
        for layer in encoder.layers:
            if distances is None:
                states.append(layer(states[-1], attention_mask=keys))
            else:
                stable = self.config.stable_layer_norm
                states.append(_wavlm.block(layer, states[-1], distances, keys, stable))
        if self.config.stable_layer_norm:
            states[-1] = encoder.layer_norm(states[-1])
        return states

    def _encoder_input(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, time, dim): projected features plus positions."""
        projected = self._network.feature_projection(features)
        hidden = projected[0] if isinstance(projected, tuple) else projected
        encoder, positional = self._network.encoder, self._network.encoder.pos_conv_embed
        if mask is not None:
            hidden = hidden.masked_fill(~mask[..., None], 0.0)
        if mask is not None and self.config.architecture == "data2vec-audio":
            hidden = hidden + _masked.stacked_positions(positional.layers, hidden, mask)
        else:
            hidden = hidden + positional(hidden)
        return cast(Tensor, hidden if self.config.stable_layer_norm else encoder.layer_norm(hidden))

    def _distances(self, states: Tensor) -> _wavlm.Distances | None:
        """Relative position bias of WavLM, shared by all blocks; None elsewhere."""
        if self.config.architecture != "wavlm":
            return None
        attention = self._network.encoder.layers[0].attention
        return _wavlm.distances(attention, states.shape[1], in_pieces=_distance_bias.is_long(states))


def _from_transformers(name: str) -> Any:  # noqa: ANN401
    """A class of transformers, whatever state torchaudio is in on this machine."""
    from upstreams import _torchaudio_shim

    _torchaudio_shim.install()
    import transformers

    return getattr(transformers, name)


def _network(config: Config, described: Any) -> nn.Module:  # noqa: ANN401
    """The bare model; fused attention where transformers has it (WavLM's is in `_wavlm`)."""
    described._attn_implementation = "eager" if config.architecture == "wavlm" else "sdpa"
    return cast(nn.Module, _from_transformers(_LIBRARY[config.architecture].model)(described))


def _facts(card: Card, config: Config, described: Any) -> dict[str, tuple[object, object]]:  # noqa: ANN401
    """What must agree -> (the checkpoint's, the card's)."""
    kernels, strides = list(described.conv_kernel), list(described.conv_stride)
    facts: dict[str, tuple[object, object]] = {
        "dim": (described.hidden_size, card.dim),
        "layers": (described.num_hidden_layers + 1, card.layers),
        "hop_samples": (math.prod(strides), card.hop_samples),
        "min_samples": (_lengths.receptive_field(kernels, strides), card.min_samples),
        "adapter": (getattr(described, "add_adapter", False), False),
        "attention adapter": (getattr(described, "adapter_attn_dim", None), None),
        "conv_pos_batch_norm": (getattr(described, "conv_pos_batch_norm", False), False),
    }
    if (
        config.architecture != "data2vec-audio"
    ):  # which has no choice: layer norms, blocks that normalise last
        facts["feature_norm"] = (described.feat_extract_norm, config.feature_norm)
        facts["stable_layer_norm"] = (described.do_stable_layer_norm, config.stable_layer_norm)
    return facts


def _renamer(prefix: str) -> Callable[[str], str]:
    """Names in a checkpoint -> names in the base model, weight norm in torch's present spelling.

    A data2vec file may have fairseq's names, as our own pre-training leaves them.
    """
    spelling = {
        "weight_g": "parametrizations.weight.original0",
        "weight_v": "parametrizations.weight.original1",
    }

    def rename(name: str) -> str:
        bare = name.removeprefix(prefix)
        if prefix == _LIBRARY["data2vec-audio"].prefix:
            bare = to_transformers(bare)
        stem, _, leaf = bare.rpartition(".")
        if stem == "encoder.pos_conv_embed.conv":
            leaf = spelling.get(leaf, leaf)
        return f"{stem}.{leaf}" if stem else leaf

    return rename
