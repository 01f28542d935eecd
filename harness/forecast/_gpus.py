"""What the makers of GPUs publish, dense and without sparsity: peak of a type of number, and bytes of memory.

Sources: NVIDIA A100 datasheet (1758950), H100 datasheet, H200 datasheet; the SXM boards. fp32 is that of the CUDA
cores: torch multiplies in fp32 unless it is told to use TF32, and the harness does not tell it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PEAK_TFLOPS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "a100": MappingProxyType({"fp32": 19.5, "bf16": 312.0}),
        "h100": MappingProxyType({"fp32": 66.9, "bf16": 989.4}),
        "h200": MappingProxyType({"fp32": 66.9, "bf16": 989.4}),
    }
)
"""GPU -> precision -> 10^12 operations per second."""
