"""An archive becomes a folder: of which kind it is, and the archives that lie in it."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

from harness.fetch._errors import ArchiveError
from harness.fetch._tar import unpack_tar
from harness.fetch._zip import unpack_zip
from harness.progress import progress

_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_PACKED_TAR_MARKS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
_INNER = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")

Unpack = Callable[[Path, Path, Callable[[float, float], None]], None]


def unpack(archive: Path, into: Path) -> None:
    """Unpack an archive below `into`, and in their own places the archives that lie in it.

    MELD's owners pack archives into an archive; a corpus that is one archive of archives is of no use.

    Raises:
        ArchiveError: unsafe, a bomb, damaged, or no archive that can be read here.
    """
    before = set(_archives_below(into))
    into.mkdir(parents=True, exist_ok=True)
    _unpack_one(archive, into)
    for inner in sorted(set(_archives_below(into)) - before):
        _unpack_one(inner, inner.parent)
        inner.unlink()


def _unpack_one(archive: Path, into: Path) -> None:
    with progress(f"unpacking {archive.name}") as advance:
        _kind(archive)(archive, into, advance)


def _archives_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.lower().endswith(_INNER) and path.is_file()]


def _kind(archive: Path) -> Unpack:
    """By content, for many addresses end in no file name."""
    with archive.open("rb") as file:
        start = file.read(512)
    if start.startswith(_ZIP_MARKS):
        return unpack_zip
    if start.startswith(_PACKED_TAR_MARKS) or tarfile.is_tarfile(archive):
        return unpack_tar
    raise ArchiveError(
        f"{archive.name} is no archive that can be unpacked here",
        got=_looks_like(start),
        wanted="zip, tar, tar.gz, tar.bz2 or tar.xz",
        next_step="open the address in a browser: the owners may show a page first, or pack it another way",
    )


def _looks_like(start: bytes) -> str:
    if not start:
        return "an empty file"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page"
    known = {
        b"Rar!": "a RAR archive",
        b"7z\xbc\xaf": "a 7z archive",
        b"fLaC": "FLAC audio",
        b"RIFF": "WAV audio",
    }
    return known.get(start[:4], f"a file that begins with {start[:16]!r}")
