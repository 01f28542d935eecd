"""An upstream over a corpus, once: what the store lacks is decoded, batched by length, computed and stored."""

from harness.extract.plan import WaveSource
from harness.extract.spread import Extraction, spread
from harness.extract.work import ExtractReport, Requested, extract, extract_requested, requested

__all__ = [
    "ExtractReport",
    "Extraction",
    "Requested",
    "WaveSource",
    "extract",
    "extract_requested",
    "requested",
    "spread",
]
