"""Zip archives: judged by their directory before the first byte is unpacked, and by checksums while it is."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from harness.fetch._errors import ArchiveError
from harness.fetch._members import code_page, refused, require_modest, safe_path
from harness.fetch._writer import damaged, is_unpackers_own, writer

_UTF8 = 0x800
_ENCRYPTED = 0x1
_UNICODE_PATH = 0x7075
"""Extra field of Info-ZIP: version, checksum of the other name, the name in UTF-8 (APPNOTE.TXT, 4.6.9)."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, struct.error, ValueError)


def unpack_zip(archive: Path, into: Path, advance: Callable[[float, float], None]) -> None:
    """Unpack a zip archive below an existing folder.

    Raises:
        ArchiveError: a member is unsafe, the whole is a bomb, or it cannot be read here.
        DamagedArchiveError: truncated, or a member's checksum is wrong.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            _unpack(opened, archive, into, advance)
    except _DAMAGE as fault:
        raise damaged(archive.name, f"{type(fault).__name__}: {fault}") from fault
    except RuntimeError as fault:
        raise _unreadable(archive.name, str(fault)) from fault
    except OSError as fault:
        raise damaged(archive.name, str(fault)) if is_unpackers_own(fault) else fault from fault


def commit_in(archive: Path) -> str:
    """The commit that a git host's zip archive says it holds: `git archive` writes it as the comment."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.comment.decode("ascii", "replace")
    except zipfile.BadZipFile:
        return ""


def _unpack(
    opened: zipfile.ZipFile, archive: Path, into: Path, advance: Callable[[float, float], None]
) -> None:
    members = opened.infolist()
    for member in members:
        _judge(archive.name, member)
    total = sum(member.file_size for member in members)
    require_modest(archive.name, "all of it", total, archive.stat().st_size)
    write = writer(archive, into, lambda: advance(write.written_bytes, total))
    write.require_room(total)
    for member, path in _placed(archive.name, members):
        if member.is_dir():
            write.folder(path)
        else:
            with opened.open(member) as source:
                write.file(path, source, member.file_size)


def _judge(archive: str, member: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "neither a file nor a folder"
        raise refused(archive, f"{member.filename!r} is {what}")
    if member.flag_bits & _ENCRYPTED:
        raise _unreadable(archive, f"{member.filename!r} wants a password")
    require_modest(archive, member.filename, member.file_size, member.compress_size)


def _placed(
    archive: str, members: Sequence[zipfile.ZipInfo]
) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """The members that are wanted and where they go; every name is judged before the first is given."""
    page = code_page(_raw_name(member) for member in members if not member.flag_bits & _UTF8)
    placed = [(member, safe_path(archive, _name(member, page))) for member in members]
    yield from ((member, path) for member, path in placed if path is not None)


def _raw_name(member: zipfile.ZipInfo) -> bytes:
    """As it stands in the archive; zipfile reads a name without the UTF-8 mark as CP437, which is reversible."""
    return member.orig_filename.encode("cp437", "replace")


def _name(member: zipfile.ZipInfo, page: str) -> str:
    if member.flag_bits & _UTF8:
        return member.orig_filename
    raw = _raw_name(member)
    return _unicode_path(member.extra, raw) or raw.decode(page)


def _unicode_path(extra: bytes, raw: bytes) -> str:
    """The name in the extra field, if there is one and it was made for this name."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        content, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(content) > 5:
            checksum = struct.unpack("<L", content[1:5])[0]
            return content[5:].decode("utf-8") if checksum == zlib.crc32(raw) else ""
    return ""


def _unreadable(archive: str, got: str) -> ArchiveError:
    return ArchiveError(
        f"the archive {archive} cannot be unpacked here",
        got=got,
        wanted="a zip archive without password, packed by deflate, bzip2 or LZMA",
        next_step="unpack it yourself (7-Zip reads most) and set corpus.root",
    )
