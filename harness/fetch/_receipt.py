"""The receipt: what was fetched from where, when, and with which checksum; it outlives archives and folders.

Where the owners publish no checksum, the one that the first copy had is held against every later copy.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.fetch._errors import FetchError
from harness.paths import write_text


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """One file as it came."""

    url: str
    name: str
    size_bytes: int
    sha256: str
    published: str
    """The owners' checksum that it was held against; empty where they publish none."""
    fetched: str
    """Time in UTC, ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """Everything that was fetched for one target folder."""

    corpus: str
    files: Mapping[str, Fetched] = field(default_factory=dict)
    """By address."""
    finished: str = ""
    """When the target was complete; empty before that."""

    def with_file(self, fetched: Fetched) -> Receipt:
        """The receipt with one more file."""
        return dataclasses.replace(self, files={**self.files, fetched.url: fetched})

    def without_file(self, url: str) -> Receipt:
        """The receipt as if that file had never come."""
        files = {address: fetched for address, fetched in self.files.items() if address != url}
        return dataclasses.replace(self, files=files, finished="")

    def now_finished(self) -> Receipt:
        """The receipt of a complete target."""
        return dataclasses.replace(self, finished=utc_now())

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        plain = {
            "corpus": self.corpus,
            "finished": self.finished,
            "files": [dataclasses.asdict(fetched) for fetched in self.files.values()],
        }
        write_text(path, json.dumps(plain, indent=1, ensure_ascii=False) + "\n")


def read_receipt(path: Path, corpus: str) -> Receipt:
    """The receipt at `path`, an empty one where there is none yet.

    Raises:
        FetchError: it cannot be read, or it is another corpus's.
    """
    if not path.exists():
        return Receipt(corpus=corpus)
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        files = {row["url"]: Fetched(**row) for row in plain["files"]}
        receipt = Receipt(corpus=plain["corpus"], files=files, finished=plain["finished"])
    except (OSError, ValueError, TypeError, KeyError) as fault:
        raise _unreadable(path, f"{type(fault).__name__}: {fault}", corpus) from fault
    if receipt.corpus != corpus:
        raise _unreadable(path, f"the receipt of {receipt.corpus}", corpus)
    return receipt


def _unreadable(path: Path, got: str, corpus: str) -> FetchError:
    return FetchError(
        "the receipt beside the target cannot be used",
        got=f"{path}: {got}",
        wanted=f"the receipt that an earlier get of {corpus} wrote",
        next_step="delete it, or choose another folder with to=DIR",
    )


def utc_now() -> str:
    """The time for a receipt."""
    return datetime.now(UTC).isoformat(timespec="seconds")
