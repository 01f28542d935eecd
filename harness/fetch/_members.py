"""What an archive may put on our disk: plain files and folders below the target, under the owner's names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from harness.fetch._disk import in_units
from harness.fetch._errors import ArchiveError

HIGHEST_RATIO = 200
"""Unpacked to packed bytes; sound packs to about 3 at best, digital silence to 1,000."""
LARGE_BYTES = 8 << 20
"""From this size on the ratio counts: four minutes of 16 kHz sound."""
_LONGEST_NAME_BYTES = 255
_DRIVE = re.compile(r"[A-Za-z]:")
_CODE_PAGES = ("utf-8", "cp850", "cp437")
"""Of names without a mark, in the order in which they are believed; CP437, the format's own, fits always."""


def safe_path(archive: str, name: str) -> PurePosixPath | None:
    """Where a member goes, relative to the target; None for what macOS adds to archives, and for the root itself.

    Raises:
        ArchiveError: the name leads, or might lead on some system, out of the target, or is no name at all.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    reason = _unsafe(name, parts)
    if reason:
        raise refused(archive, f"{name!r}: {reason}")
    if not parts or "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._"):
        return None
    return PurePosixPath(*parts)


def _unsafe(name: str, parts: Iterable[str]) -> str:
    if name.startswith("/"):
        return "an absolute path"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "a control character or broken text"
    return next((reason for part in parts if (reason := _unsafe_part(part))), "")


def _unsafe_part(part: str) -> str:
    if part == "..":
        return "a way out of the target"
    if "\\" in part:
        return "a backslash, which parts folders on some systems"
    if _DRIVE.match(part):
        return "a drive letter"
    too_long = len(part.encode()) > _LONGEST_NAME_BYTES
    return f"a name of more than {_LONGEST_NAME_BYTES} bytes" if too_long else ""


def refused(archive: str, got: str) -> ArchiveError:
    """An archive that is not unpacked because of what it would do."""
    return ArchiveError(
        f"the archive {archive} is refused; nothing of it is unpacked",
        got=got,
        wanted="plain files and folders below the target",
        next_step="ask the owners; if you trust it, unpack it yourself and set corpus.root",
    )


def require_modest(archive: str, name: str, unpacked_bytes: int, packed_bytes: int) -> None:
    """Stop at what would swell beyond anything that sound can.

    Raises:
        ArchiveError: large, and packed more than `HIGHEST_RATIO` times.
    """
    if unpacked_bytes > LARGE_BYTES and unpacked_bytes > HIGHEST_RATIO * max(packed_bytes, 1):
        raise refused(
            archive, f"{name} would swell from {in_units(packed_bytes)} to {in_units(unpacked_bytes)}: a bomb"
        )


def code_page(names: Iterable[bytes]) -> str:
    r"""The code page in which names without a mark make sense: all beyond ASCII is letters and digits.

    French and other Western archives are written in CP850 (`Col\x8are`), macOS writes UTF-8 without the mark.

    >>> code_page([b"Col\x8are/Fort/01-C-1-1.wav"])
    'cp850'
    """
    names = list(names)
    return next((page for page in _CODE_PAGES if all(_reads(name, page) for name in names)), "cp437")


def _reads(name: bytes, page: str) -> bool:
    try:
        text = name.decode(page)
    except UnicodeDecodeError:
        return False
    return page == "utf-8" or all(character.isascii() or character.isalnum() for character in text)
