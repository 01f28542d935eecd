"""What computes a frozen network: torch, or a graph of one utterance in ONNX Runtime; in fp32, or in bf16."""

from harness.engines._bf16 import in_bf16, lacks_bf16
from harness.engines._computed import (
    Computed,
    alone,
    computed,
    deviation,
    probe_sounds,
    probed,
    relative_error,
)
from harness.engines._export import TOLERANCE, as_graph
from harness.engines._load import load
from harness.engines._session import OnnxUpstream

__all__ = [
    "TOLERANCE",
    "Computed",
    "OnnxUpstream",
    "alone",
    "as_graph",
    "computed",
    "deviation",
    "in_bf16",
    "lacks_bf16",
    "load",
    "probe_sounds",
    "probed",
    "relative_error",
]
