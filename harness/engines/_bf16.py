"""bf16 by torch's autocast, where the hardware has units for it."""

from __future__ import annotations

import logging
import platform
from dataclasses import replace
from typing import TYPE_CHECKING

from harness import models
from harness.contracts import CalibratedUpstream, Card, HiddenStates, Upstream
from harness.engines._computed import Computed, deviation, device_of, probed
from harness.errors import ConfigError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LOG = logging.getLogger("harness")


class Bf16Upstream:
    """A network under autocast, with the weights of its large layers kept in bf16; gives float32 states.

    Autocast would convert frozen weights again at every call. Those of linear layers and convolutions, which it
    computes in bf16, are converted once instead: the same numbers. The network that is given is changed.
    """

    def __init__(self, upstream: Upstream) -> None:
        self.card, self.module = upstream.card, upstream.module
        self.computed = Computed(precision="bf16", device=device_of(upstream))
        self._upstream = upstream
        if self.module is not None:
            _halve(self.module)

    def extract(self, waves: Tensor, lengths: Tensor) -> HiddenStates:
        """What the network gives in bf16: see `Upstream.extract`."""
        import torch

        with torch.autocast(waves.device.type, dtype=torch.bfloat16):
            states, frames = self._upstream.extract(waves, lengths)
        return HiddenStates(tuple(state.float() for state in states), frames)


def in_bf16(upstream: Upstream, device: str = "cpu") -> Bf16Upstream:
    """A loaded upstream in bf16, its deviation from fp32 measured; asks nobody whether the hardware is fit.

    Raises:
        ConfigError: it has no network, or its front end is calibrated.
    """
    if upstream.module is None or isinstance(upstream, CalibratedUpstream):
        raise ConfigError(
            f"{upstream.card.name} does not compute in bf16",
            got="features without a network" if upstream.module is None else "a calibrated front end",
            wanted="a frozen network",
            next_step="precision=fp32",
        )
    exact = probed(upstream, device)
    halved = Bf16Upstream(upstream)
    halved.computed = replace(halved.computed, deviation=deviation(exact, probed(halved, device)))
    return halved


def load_bf16(card: Card, device: str) -> Bf16Upstream:
    """Load a checkpoint in bf16.

    Raises:
        ConfigError: the hardware has no units for it, or the upstream has no network.
    """
    lacking = lacks_bf16(device)
    if lacking:
        raise ConfigError(
            f"precision=bf16 is no help on this {device}",
            got=lacking,
            wanted="a GPU since Ampere, or a processor with AVX512-BF16 or AMX",
            next_step="precision=fp32",
        )
    upstream = in_bf16(models.load_upstream(card, device), device)
    _LOG.info("%s computes in bf16 and deviates from fp32 by %.1e", card.name, upstream.computed.deviation)
    return upstream


def lacks_bf16(device: str) -> str | None:
    """What the hardware lacks for bf16, in words; None where it computes it."""
    import torch

    if device.startswith("cuda"):
        fit = torch.cuda.is_bf16_supported(including_emulation=False)
        return None if fit else "a GPU without bf16 units: torch would emulate it"
    if platform.machine().lower() in {"x86_64", "amd64"}:
        fit = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    else:
        fit = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    slow = "measured on AVX2 alone: 40 times slower than fp32, 5.3 s per second of audio in a base model"
    return None if fit else f"a processor without bf16 units; torch emulates it ({slow})"


def _halve(network: torch.nn.Module) -> None:
    """Linear layers and convolutions to bf16, but for those whose weight is computed from others."""
    import torch

    for layer in network.modules():
        plain = isinstance(layer, torch.nn.Linear | torch.nn.Conv1d | torch.nn.Conv2d)
        if plain and not torch.nn.utils.parametrize.is_parametrized(layer):
            layer.to(torch.bfloat16)
