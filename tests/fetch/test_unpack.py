"""Archives appear whole or not at all, under their owners' names, and never outside the target."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fetch import ArchiveError, DamagedArchiveError
from harness.fetch._members import code_page, safe_path
from harness.fetch._unpack import unpack
from harness.fetch._writer import Writer

SOUND = np.random.default_rng(0).bytes(40_000)
FILES = {"wav/a.wav": SOUND, "wav/b.wav": SOUND[::-1], "readme.txt": b"hello", "empty.txt": b""}

OUTSIDE = [
    "../evil.txt",
    "wav/../../evil.txt",
    "/etc/evil.txt",
    "C:/evil.txt",
    "C:evil.txt",
    "..\\evil.txt",
    "wav\\..\\..\\evil.txt",
    "\\\\host\\share\\evil.txt",
    "wav/..",
    "a\nb.txt",
    "x" * 300,
]


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w", **member: Any) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in member.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


PACKERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": zipped,
    "zip stored": lambda files: zipped(files, zipfile.ZIP_STORED),
    "zip bzip2": lambda files: zipped(files, zipfile.ZIP_BZIP2),
    "zip lzma": lambda files: zipped(files, zipfile.ZIP_LZMA),
    "tar": tarred,
    "tar.gz": lambda files: tarred(files, "w:gz"),
    "tar.bz2": lambda files: tarred(files, "w:bz2"),
    "tar.xz": lambda files: tarred(files, "w:xz"),
}


def unpacked(content: bytes, tmp_path: Path) -> dict[str, bytes]:
    (tmp_path / "archive").write_bytes(content)
    into = tmp_path / "deep" / "in" / "target"
    unpack(tmp_path / "archive", into)
    return {
        path.relative_to(into).as_posix(): path.read_bytes() for path in into.rglob("*") if path.is_file()
    }


def nothing_outside(tmp_path: Path) -> bool:
    outside = {path for path in tmp_path.rglob("*") if "target" not in path.parts}
    return {path.name for path in outside} <= {"archive", "deep", "in"}


@pytest.mark.parametrize("kind", PACKERS)
def test_every_kind_is_unpacked(kind: str, tmp_path: Path) -> None:
    """By its content: the file has no ending."""
    assert unpacked(PACKERS[kind](FILES), tmp_path) == FILES


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97, 0.999])
def test_a_truncated_archive_is_damaged(kind: str, share: float, tmp_path: Path) -> None:
    """Wherever it ends; a tar's last blocks are zeros, so the cut is made in what comes before them."""
    whole = PACKERS[kind](FILES)
    if kind == "tar":
        whole = whole.rstrip(b"\0") + bytes(511)
    with pytest.raises(ArchiveError):
        unpacked(whole[: int(len(whole) * share)], tmp_path)


def test_a_tar_that_ends_between_two_members_is_damaged(tmp_path: Path) -> None:
    """Python's reader takes that for its end."""
    whole = tarred({"a.wav": bytes(512), "b.wav": SOUND})
    with pytest.raises(DamagedArchiveError, match="end mark"):
        unpacked(whole[:1024], tmp_path)


def test_a_tar_with_a_damaged_header_is_damaged(tmp_path: Path) -> None:
    """Python's reader takes that for its end, too."""
    whole = bytearray(tarred({"a.wav": bytes(512), "b.wav": SOUND, "c.wav": SOUND}))
    whole[1024 + 3] ^= 1
    with pytest.raises(DamagedArchiveError, match="header"):
        unpacked(bytes(whole), tmp_path)


@pytest.mark.parametrize(
    "kind", ["zip", "zip stored", "zip bzip2", "zip lzma", "tar.gz", "tar.bz2", "tar.xz"]
)
def test_a_changed_byte_is_damage(kind: str, tmp_path: Path) -> None:
    """Each of these has checksums of its own; a plain tar has none of its contents."""
    whole = bytearray(PACKERS[kind]({"wav/a.wav": SOUND, "wav/b.wav": SOUND[::-1]}))
    whole[len(whole) // 3] ^= 0x10
    with pytest.raises(DamagedArchiveError):
        unpacked(bytes(whole), tmp_path)


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_no_member_leaves_the_target(kind: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="refused"):
        unpacked(PACKERS[kind]({"wav/a.wav": SOUND, name: b"evil"}), tmp_path)
    assert nothing_outside(tmp_path)


@given(st.text(st.sampled_from("./\\aC:~ \0é"), max_size=12))
def test_a_name_is_refused_or_stays_inside(name: str) -> None:
    """Any text of the dangerous characters."""
    try:
        path = safe_path("archive", name)
    except ArchiveError:
        return
    if path is not None:
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert "\\" not in str(path)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_a_tar_holds_no_links_or_devices(kind: bytes, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="refused"):
        unpacked(tarred({"a.wav": b""}, type=kind, linkname="wav/b.wav"), tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_zip_holds_no_links_or_devices(kind: int, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a.wav")
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ArchiveError, match="refused"):
        unpacked(buffer.getvalue(), tmp_path)


def test_a_link_and_then_a_file_through_it(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("wav")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        archive.addfile(link)
        info = tarfile.TarInfo("wav/evil.txt")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"evil"))
    with pytest.raises(ArchiveError, match="link"):
        unpacked(buffer.getvalue(), tmp_path)
    assert nothing_outside(tmp_path)


@pytest.mark.parametrize("kind", ["zip", "zip bzip2", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_bomb_is_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="bomb"):
        unpacked(PACKERS[kind]({"a.wav": bytes(20_000_000)}), tmp_path)


def test_a_bomb_of_many_small_members_is_refused(tmp_path: Path) -> None:
    """No member is large, the whole is."""
    with pytest.raises(ArchiveError, match="bomb"):
        unpacked(zipped({f"{i}.wav": bytes(900_000) for i in range(12)}), tmp_path)


def test_what_lies_behind_the_end_of_a_tar_is_no_bomb_either(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="bomb"):
        unpacked(gzip.compress(tarred({"a.wav": SOUND[:50]}) + bytes(20_000_000)), tmp_path)


def test_a_silent_file_is_no_bomb(tmp_path: Path) -> None:
    """Digital silence packs a thousand times; four seconds of it at 96 kHz are a corpus's own business."""
    assert len(unpacked(zipped({"a.wav": bytes(768_000)}), tmp_path)["a.wav"]) == 768_000


def test_more_than_the_disk_holds_is_refused(tmp_path: Path) -> None:
    """A disk with room for one of two files: the second is not begun."""
    write = Writer("archive.zip", tmp_path, room_bytes=len(SOUND) + 10, done=lambda: None)
    write.file(PurePosixPath("a.wav"), io.BytesIO(SOUND), len(SOUND))
    with pytest.raises(ArchiveError, match="are free"):
        write.file(PurePosixPath("b.wav"), io.BytesIO(SOUND), len(SOUND))
    assert not (tmp_path / "b.wav").exists()


def test_a_declared_size_beyond_any_disk_is_refused(tmp_path: Path) -> None:
    """A sparse terabyte in a tar: all its own reader would see is one header."""
    info = tarfile.TarInfo("a.wav")
    info.size = 1 << 60
    with pytest.raises(ArchiveError, match="refused"):
        unpacked(info.tobuf(), tmp_path)


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.wav", b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.wav", b"two")
    with pytest.raises(ArchiveError, match="twice"):
        unpacked(buffer.getvalue(), tmp_path)


def test_a_name_that_is_a_file_and_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="a file and a folder"):
        unpacked(zipped({"a": b"file", "a/b.wav": SOUND}), tmp_path)


def test_what_macos_adds_is_left_out(tmp_path: Path) -> None:
    added = {"__MACOSX/wav/._a.wav": b"x", "wav/._a.wav": b"x", ".DS_Store": b"x"}
    assert unpacked(zipped({**added, "wav/a.wav": SOUND}), tmp_path) == {"wav/a.wav": SOUND}


def test_rights_are_the_users_own(tmp_path: Path) -> None:
    """Some owners pack read-only files, which then cannot be deleted; nothing becomes executable."""
    unpacked(tarred({"a.wav": SOUND}, mode="w:gz"), tmp_path)
    (path,) = (tmp_path / "deep").rglob("a.wav")
    assert path.stat().st_mode & 0o700 == 0o600


def marked(names: list[bytes], extra: bytes = b"") -> bytes:
    """A zip whose names are these very bytes, without the UTF-8 mark, as old programs write them."""
    buffer = io.BytesIO()
    stand_ins = ["#+="[i] * len(name) for i, name in enumerate(names)]
    with zipfile.ZipFile(buffer, "w") as archive:
        for stand_in in stand_ins:
            info = zipfile.ZipInfo(stand_in)
            info.extra = extra
            archive.writestr(info, SOUND)
    whole = buffer.getvalue()
    for stand_in, name in zip(stand_ins, names, strict=True):
        whole = whole.replace(stand_in.encode(), name)
    return whole


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("cp850", ["Colère/Fort/01-C-1-1.wav", "Dégoût/Faible/01-D-1-1.wav"]),
        ("cp437", ["Colère/Fort/01-C-1-1.wav", "Dégoût/Faible/01-D-1-1.wav"]),
        ("cp850", ["ÉMOTION/À/01-C-1-1.wav"]),
        ("utf-8", ["Colère/Fort/01-C-1-1.wav", "怒り/01-C-1-1.wav", "Cole\u0300re/01-C-1-1.wav"]),
        ("ascii", ["Colere/01-C-1-1.wav"]),
    ],
)
def test_names_without_a_mark_are_read_as_the_owner_meant(
    page: str, names: list[str], tmp_path: Path
) -> None:
    assert set(unpacked(marked([name.encode(page) for name in names]), tmp_path)) == set(names)


def test_names_with_a_mark_are_utf8(tmp_path: Path) -> None:
    assert set(unpacked(zipped({"Colère/a.wav": SOUND, "ÞþŠ/b.wav": b""}), tmp_path)) == {
        "Colère/a.wav",
        "ÞþŠ/b.wav",
    }


def test_a_unicode_name_in_the_extra_field_wins(tmp_path: Path) -> None:
    raw, name = b"Col_re-1.wav", "Colère-1.wav".encode()
    content = struct.pack("<BL", 1, zlib.crc32(raw)) + name
    extra = struct.pack("<HH", 0x7075, len(content)) + content
    assert set(unpacked(marked([raw], extra), tmp_path)) == {"Colère-1.wav"}


def test_old_names_in_a_tar(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, encoding="cp850") as archive:
        info = tarfile.TarInfo("Colère/a.wav")
        info.size = len(SOUND)
        archive.addfile(info, io.BytesIO(SOUND))
    assert set(unpacked(buffer.getvalue(), tmp_path)) == {"Colère/a.wav"}


def test_nothing_is_certain_without_letters() -> None:
    """What is text in no page falls back to the format's own."""
    assert code_page([b"\xb0\xc4.wav"]) == "cp437"


def test_archives_in_an_archive(tmp_path: Path) -> None:
    """As MELD's owners pack it."""
    inner = tarred({"train_splits/dia0_utt0.mp4": SOUND}, "w:gz")
    got = unpacked(tarred({"MELD.Raw/train.tar.gz": inner, "MELD.Raw/train.csv": b"a,b"}, "w:gz"), tmp_path)
    assert got == {"MELD.Raw/train_splits/dia0_utt0.mp4": SOUND, "MELD.Raw/train.csv": b"a,b"}


def test_an_evil_archive_in_an_archive(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="refused"):
        unpacked(zipped({"inner.zip": zipped({"../evil.txt": b"evil"})}), tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>please log in", "web page"),
        (b"Rar!\x1a\x07\x00" + bytes(600), "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (SOUND, "begins with"),
    ],
)
def test_what_is_no_archive_is_named(content: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=told):
        unpacked(content, tmp_path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_that_is_no_tar(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    with pytest.raises(ArchiveError):
        unpacked(pack(SOUND), tmp_path)


def test_an_archive_with_a_password(tmp_path: Path) -> None:
    whole = bytearray(zipped({"a.wav": SOUND}))
    whole[whole.index(b"PK\x03\x04") + 6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ArchiveError, match="password"):
        unpacked(bytes(whole), tmp_path)


def test_a_method_that_python_lacks(tmp_path: Path) -> None:
    """Windows packs large files with Deflate64."""
    whole = bytearray(zipped({"a.wav": SOUND}))
    whole[whole.index(b"PK\x03\x04") + 8] = 9
    whole[whole.index(b"PK\x01\x02") + 10] = 9
    with pytest.raises(ArchiveError, match="7-Zip"):
        unpacked(bytes(whole), tmp_path)
