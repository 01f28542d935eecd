"""The one way to a frozen model: from a card, a device, an engine and a precision to an upstream."""

from __future__ import annotations

from harness import models
from harness.contracts import Card, Upstream


def load(card: Card, *, device: str = "cpu", engine: str = "auto", precision: str = "fp32") -> Upstream:
    """The upstream of a card, ready to extract.

    Args:
        card: of the checkpoint.
        device: `cpu` or `cuda`; `auto` is the caller's to settle.
        engine: `torch`, `onnx`, or `auto`: the fastest that gives torch's numbers.
        precision: `fp32`, or `bf16` where the hardware computes it.

    Raises:
        WeightsError: the weights are missing, truncated or of another architecture.
        ConfigError: the engine or the precision is not to be had for this model on this device.
    """
    return models.load_upstream(card, device)
