"""Fetching a corpus from its owners: resumable, held against checksums, unpacked safely, whole or not at all."""

from harness.fetch._errors import ArchiveError, DamagedArchiveError, FetchError
from harness.fetch._story import announcement, default_target, get_corpus, next_steps
from harness.fetch._transfer import Patience

__all__ = [
    "ArchiveError",
    "DamagedArchiveError",
    "FetchError",
    "Patience",
    "announcement",
    "default_target",
    "get_corpus",
    "next_steps",
]
