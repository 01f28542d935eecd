"""What computes a frozen network: torch, or a graph of one utterance in ONNX Runtime; in fp32, or in bf16."""

from harness.engines._computed import Computed, computed
from harness.engines._load import load

__all__ = ["Computed", "computed", "load"]
