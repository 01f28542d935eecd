"""An upstream over a corpus, once: what the store lacks is decoded, batched by length, computed and stored."""

from harness.extract.plan import WaveSource
from harness.extract.work import ExtractReport, extract

__all__ = ["ExtractReport", "WaveSource", "extract"]
