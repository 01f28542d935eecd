"""A file that is being fetched: `<name>.part`, and beside it a note of which version of the file it is part of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.paths import write_text


@dataclass(frozen=True)
class Version:
    """What a server says about one version of a file; empty or 0 where it says nothing."""

    url: str
    etag: str = ""
    last_modified: str = ""
    size_bytes: int = 0

    @property
    def validator(self) -> str:
        """For the header If-Range, which takes no weak tag (RFC 9110, 13.1.5); empty where there is none."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    def differs_from(self, other: Version) -> bool:
        """Whether two answers cannot be about the same bytes; what only one of them says decides nothing."""
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return any(mine != theirs for mine, theirs in pairs if mine and theirs)


def version_of(url: str, headers: Mapping[str, str], size_bytes: int) -> Version:
    """The version that an answer's headers speak of."""
    return Version(url, headers.get("ETag", ""), headers.get("Last-Modified", ""), size_bytes)


class Partial:
    """The bytes of a file that have arrived so far; they outlive the program.

    Args:
        final: the name the file will have once it is complete.
    """

    def __init__(self, final: Path) -> None:
        self.path = final.with_name(f"{final.name}.part")
        self._note = final.with_name(f"{final.name}.part.json")

    @property
    def size_bytes(self) -> int:
        """How much has arrived."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def version(self, url: str) -> Version | None:
        """What these bytes are part of; None where that is not known, or where it is another address."""
        try:
            noted = Version(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return noted if noted.url == url else None

    def start(self, version: Version) -> None:
        """Drop what is there, and note what comes now."""
        self.clear()
        write_text(self._note, json.dumps(asdict(version)))

    def clear(self) -> None:
        """Drop the bytes and the note."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def hand_over(self, to: Path) -> None:
        """Give the complete file its name."""
        self.path.replace(to)
        self._note.unlink(missing_ok=True)
