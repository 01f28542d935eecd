"""What can go wrong between an open address and a folder on disk."""

from __future__ import annotations

from harness.errors import CorpusError


class FetchError(CorpusError):
    """A file cannot be fetched, or is not the file that it should be."""


class ArchiveError(FetchError):
    """An archive that is refused or cannot be unpacked; nothing of it is left in the target."""


class DamagedArchiveError(ArchiveError):
    """An archive that ends too early or whose checks fail; fetched once more it may be whole."""
