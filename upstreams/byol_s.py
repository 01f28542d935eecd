"""BYOL-S: a convolutional encoder trained without labels on the speech of AudioSet; one vector per utterance.

The clip's vector is the mean plus the maximum over time of AudioNTT2020's frames. Its log-mel is scaled with the
corpus' own mean and deviation, taken from the training part of a fold without its labels (`calibrate`): the
average over clips of each clip's mean, and of each clip's deviation (N - 1), which is how SERAB's published
constants are made. For the training part of SERAB's EmoDB (speakers 08, 09, 11, 13, 15, 16; 344 clips) they are
-2.692733 and 4.103071. A card may fix the two numbers instead.

Source: Scheidwasser-Clow et al. 2022, SERAB (arXiv 2110.03414); Niizumi et al. 2021, BYOL for Audio; Neclow/SERAB
cc0ebd7, SERAB/settings.py and utils.py.
"""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.contracts import Card, HiddenStates
from harness.errors import AudioError, ConfigError, WeightsError
from upstreams import _lengths, _random
from upstreams._audio_ntt import AudioNTT2020
from upstreams._htk_log_mel import MEL_BINS, HtkLogMel, frame_counts

CALIBRATES = True
"""Features depend on the training part: one set per fold."""


class Scale(NamedTuple):
    """What the log-mel is scaled with: (x - mean) / std."""

    mean: float
    std: float


@dataclass(kw_only=True)
class Config:
    """What the cards of this family set."""

    log_mel_mean: float | None = None
    """None: taken from the training part of each fold; a number is kept for every fold (with `log_mel_std`)."""
    log_mel_std: float | None = None


_EMODB = Scale(-2.6927330493927, 4.103071212768555)
"""SERAB/settings.py; where a small random network starts."""
_SMALL_DIM, _SMALL_CHANNELS = 32, 8


def load(card: Card, config: Config, weights: Path | None) -> ByolS:
    """Load a checkpoint of SERAB: a state dict of AudioNTT2020, `card.dim` wide.

    Args:
        card: says the width.
        config: the scale of the log-mel, if it is fixed.
        weights: the file, or a folder with one `*.pth`.

    Raises:
        WeightsError: missing, truncated, or of another architecture.
        ConfigError: half a scale, or one that cannot divide.
    """
    network = AudioNTT2020(MEL_BINS, card.dim)
    _fill(card, network, _read(_only_file(card, weights)))
    return ByolS(card, network.eval().requires_grad_(False), _fixed_scale(config))


def random_small(card: Card, config: Config, seed: int) -> ByolS:
    """The encoder with 8 channels, 32 wide; scaled as for EmoDB until it is calibrated."""
    network = _random.seeded(lambda: _small_network(seed), seed)
    parameters = sum(weight.numel() for weight in network.parameters())
    small = dataclasses.replace(card, dim=_SMALL_DIM, parameters=parameters)
    upstream = ByolS(small, network, _fixed_scale(config))
    upstream.scale = upstream.scale or _EMODB
    return upstream


class ByolS:
    """The encoder with its front end. Its scale is unknown until it is fixed or calibrated."""

    def __init__(self, card: Card, network: AudioNTT2020, fixed: Scale | None) -> None:
        self.card = card
        # A third faster on a CPU; torch describes this argument in no overload.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network, self._log_mel, self._fixed = network, HtkLogMel(), fixed
        self.module: nn.Module | None = nn.ModuleDict({"encoder": network, "log_mel": self._log_mel})
        self.scale = fixed

    def calibrate(self, waves: Iterable[Tensor]) -> Mapping[str, float]:
        """Take the scale from (samples,) waves, one after the other, in double precision.

        A scale that the card fixes stays, and the waves are not read.

        Returns:
            `log_mel_mean` and `log_mel_std`, for the record.

        Raises:
            AudioError: no waves, one too short, or nothing but digital silence.
        """
        self.scale = self._fixed or _average(self._moments(wave) for wave in waves)
        return {"log_mel_mean": self.scale.mean, "log_mel_std": self.scale.std}

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """(batch, 1, dim) vectors of a zero-padded batch, on the device of the network.

        Args:
            waves: (batch, samples) float32 at 16 kHz.
            lengths: (batch,) int64.

        Raises:
            ConfigError: the scale of the log-mel is not known yet.
            AudioError: an utterance of less than 1120 samples (8 frames, one of the encoder's).
        """
        scale = self._known_scale()
        waves, lengths = _lengths.trimmed(self.card, waves, lengths, self._log_mel.window.device)
        with torch.no_grad():
            spectrogram = (self._log_mel(waves, lengths) - scale.mean) / scale.std
            vectors = self._network(spectrogram, frame_counts(lengths))
        return HiddenStates((vectors[:, None],), torch.ones_like(lengths))

    def _moments(self, wave: Tensor) -> Scale:
        """Mean and deviation of one clip's log-mel."""
        batch, lengths = wave[None], torch.tensor([len(wave)], device=wave.device)
        batch, lengths = _lengths.trimmed(self.card, batch, lengths, self._log_mel.window.device)
        with torch.no_grad():
            levels = self._log_mel(batch, lengths).double()
        return Scale(float(levels.mean()), float(levels.std()))

    def _known_scale(self) -> Scale:
        if self.scale is None:
            raise ConfigError(
                f"{self.card.name} does not know the log-mel mean and deviation of this corpus",
                got="neither calibrated nor fixed by the card",
                wanted="two numbers from the training part",
                next_step="call calibrate(waves), or set upstream.options.log_mel_mean and log_mel_std",
            )
        return self.scale


def _average(clips: Iterable[Scale]) -> Scale:
    found = torch.tensor(list(clips), dtype=torch.float64).reshape(-1, 2)
    scale = Scale(*found.mean(0).tolist()) if len(found) else Scale(0.0, 0.0)
    if scale.std > 0.0:
        return scale
    raise AudioError(
        "the log-mel of the training part has no spread to scale with",
        got=f"{len(found)} clips, deviation {scale.std}",
        wanted="clips with sound in them",
        next_step="look at the training part of this fold: harness corpus check",
    )


def _fixed_scale(config: Config) -> Scale | None:
    mean, std = config.log_mel_mean, config.log_mel_std
    if mean is None and std is None:
        return None
    if mean is not None and std is not None and std > 0.0:
        return Scale(mean, std)
    raise ConfigError(
        "the scale of the log-mel is not one",
        got=f"log_mel_mean={mean}, log_mel_std={std}",
        wanted="both numbers, the deviation above 0; or neither, to take them from the training part",
        next_step="set upstream.options.log_mel_mean and upstream.options.log_mel_std together",
    )


def _small_network(seed: int) -> AudioNTT2020:
    """Batch norms that do something, or a fault in them would not show."""
    network = AudioNTT2020(MEL_BINS, _SMALL_DIM, _SMALL_CHANNELS)
    draw = torch.Generator().manual_seed(seed)
    for layer in network.features:
        if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None:
            layer.running_mean.copy_(torch.randn(_SMALL_CHANNELS, generator=draw))
    return network


def _only_file(card: Card, weights: Path | None) -> Path:
    if weights is not None and weights.is_file():
        return weights
    found = sorted(weights.glob("*.pth")) if weights is not None else []
    if len(found) == 1:
        return found[0]
    raise WeightsError(
        f"the checkpoint of {card.name} is not there",
        got=", ".join(path.name for path in found)
        or ("no path" if weights is None else f"no *.pth in {weights}"),
        wanted="one *.pth file of SERAB/checkpoints in github.com/Neclow/SERAB",
        next_step="upstream.path=FILE, or EMOHARNESS_WEIGHTS=DIR with a sub-folder named like the card",
    )


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as fault:
        raise WeightsError(
            f"{path} is truncated, damaged, or holds more than tensors",
            got=f"{path.stat().st_size} bytes; {type(fault).__name__}: {str(fault).strip().splitlines()[:1]}",
            wanted="a complete state dict that torch.load reads with weights_only=True",
            next_step="copy or download it again and compare the sizes",
        ) from fault
    return state if isinstance(state, dict) else {}


def _fill(card: Card, network: nn.Module, state: Mapping[str, object]) -> None:
    needed = network.state_dict()
    found = {name: tuple(value.shape) for name, value in state.items() if isinstance(value, Tensor)}
    wanted = {name: tuple(value.shape) for name, value in needed.items()}
    strange = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if strange:
        first = strange[0]
        raise WeightsError(
            f"the checkpoint is not the AudioNTT2020 on the card of {card.name}, {card.dim} wide",
            got=f"{len(strange)} tensors differ; {first}: {found.get(first, 'missing')}",
            wanted=f"{len(wanted)} tensors; {first}: {wanted.get(first, 'not there')}",
            next_step="choose the file that fits, or set upstream.dim to the width of this one",
        )
    network.load_state_dict(state)
