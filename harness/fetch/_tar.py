"""Tar archives, plain or packed: read once from front to back, judged member by member.

`tarfile` takes a damaged header for the end of the archive; here an archive only ends where its end mark is, with
nothing but zeros behind it, and a packed one only where the packer's checksum agrees.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

from harness.fetch._members import code_page, refused, require_modest, safe_path
from harness.fetch._writer import Writer, damaged, is_unpackers_own, writer

_DAMAGE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, ValueError)
_CHUNK_BYTES = 1 << 20


def unpack_tar(archive: Path, into: Path, advance: Callable[[float, float], None]) -> None:
    """Unpack a tar archive (plain, gzip, bzip2, xz) below an existing folder.

    Raises:
        ArchiveError: a member is unsafe, or the whole is a bomb.
        DamagedArchiveError: truncated or damaged.
    """
    size = archive.stat().st_size
    with ExitStack() as open_files:
        packed = open_files.enter_context(archive.open("rb"))
        write = writer(archive, into, lambda: advance(packed.tell(), size))
        try:
            stream = open_files.enter_context(_plain(packed))
            opened = open_files.enter_context(tarfile.open(fileobj=stream, mode="r|"))
            _unpack(opened, write, size)
        except _DAMAGE as fault:
            raise damaged(archive.name, f"{type(fault).__name__}: {fault}") from fault
        except OSError as fault:
            raise damaged(archive.name, str(fault)) if is_unpackers_own(fault) else fault from fault


def _plain(packed: IO[bytes]) -> IO[bytes]:
    """The tar stream itself, whatever it is packed with."""
    mark = packed.read(6)
    packed.seek(0)
    if mark.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=packed))
    if mark.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(packed))
    if mark == b"\xfd7zXZ\x00":
        return cast("IO[bytes]", lzma.LZMAFile(packed))
    return packed


def _unpack(opened: tarfile.TarFile, write: Writer, packed_bytes: int) -> None:
    for member in opened:
        _judge(write.archive, member, write.into)
        total = write.written_bytes + member.size
        require_modest(write.archive, member.name, total, packed_bytes)
        path = safe_path(write.archive, _name(member))
        if path is None:
            continue
        if member.isdir():
            write.folder(path)
        else:
            write.file(path, cast("IO[bytes]", opened.extractfile(member)), member.size)
    _require_end(opened, write.archive, packed_bytes)


def _judge(archive: str, member: tarfile.TarInfo, into: Path) -> None:
    """Our own rules, and behind them those of the standard library where it has them (Python 3.11.4 and later)."""
    if member.issym() or member.islnk():
        raise refused(archive, f"{member.name!r} is a link to {member.linkname!r}")
    if member.issparse() or not (member.isreg() or member.isdir()):
        raise refused(archive, f"{member.name!r} is neither a plain file nor a folder")
    second_opinion = getattr(tarfile, "data_filter", None)
    if second_opinion is None:
        return
    try:
        second_opinion(member, str(into))
    except tarfile.FilterError as fault:
        raise refused(archive, str(fault)) from fault


def _name(member: tarfile.TarInfo) -> str:
    """The owner's name: UTF-8, or an older code page, whose bytes tarfile keeps as surrogates."""
    raw = member.name.encode("utf-8", "surrogateescape")
    return raw.decode(code_page([raw]))


def _require_end(opened: tarfile.TarFile, archive: str, packed_bytes: int) -> None:
    """An archive ends with two blocks of zeros (POSIX, ustar interchange format); tarfile has read the first."""
    stream = cast("IO[bytes]", opened.fileobj)
    seen = 0
    while chunk := stream.read(_CHUNK_BYTES):
        seen += len(chunk)
        if chunk.strip(b"\0"):
            raise damaged(archive, f"a header that cannot be read, at byte {opened.offset}")
        require_modest(archive, "what follows its end", seen, packed_bytes)
    if not seen:
        raise damaged(archive, "no end mark: a part is missing")
