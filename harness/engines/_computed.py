"""What computes a frozen network, told with every extraction."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contracts import Upstream


@dataclass(frozen=True, kw_only=True)
class Computed:
    """How the numbers of a loaded upstream come about."""

    engine: str = "torch"
    precision: str = "fp32"
    deviation: float | None = None
    """Largest relative difference from torch in fp32 on probe sounds; None where it is torch in fp32."""


def computed(upstream: Upstream) -> Computed:
    """What `load` says of an upstream; torch in fp32 for one that came another way."""
    said = getattr(upstream, "computed", None)
    return said if isinstance(said, Computed) else Computed()
