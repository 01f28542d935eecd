"""Members of archives become files: new ones only, with our own rights, and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from harness.fetch._disk import free_bytes, in_units
from harness.fetch._errors import DamagedArchiveError
from harness.fetch._members import refused

_CHUNK_BYTES = 1 << 20


@dataclass
class Writer:
    """Writes the members of one archive below `into`.

    Args:
        archive: its name, for messages.
        into: an existing folder.
        room_bytes: how much may be written in all.
        done: told after every piece.
    """

    archive: str
    into: Path
    room_bytes: int
    done: Callable[[], None]
    written_bytes: int = field(default=0, init=False)

    def folder(self, path: PurePosixPath) -> None:
        """A folder, with those above it."""
        try:
            (self.into / path).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as fault:
            raise refused(self.archive, f"{path} is a file and a folder") from fault

    def file(self, path: PurePosixPath, source: IO[bytes], size_bytes: int) -> None:
        """One file of exactly this size; its rights are the user's own, whatever the archive says.

        Raises:
            ArchiveError: the name is taken already, or no room is left.
            DamagedArchiveError: the archive holds less of it than it says.
        """
        self.require_room(size_bytes)
        self.folder(path.parent)
        try:
            with (self.into / path).open("xb") as file:
                while chunk := source.read(_CHUNK_BYTES):
                    file.write(chunk)
                    self.done()
                if file.tell() != size_bytes:
                    raise damaged(self.archive, f"{path} has {file.tell()} of {size_bytes} bytes")
        except (FileExistsError, IsADirectoryError) as fault:
            raise refused(self.archive, f"{path} is in it twice") from fault
        self.written_bytes += size_bytes

    def require_room(self, more_bytes: int) -> None:
        """Stop unless so much more fits on the disk.

        Raises:
            ArchiveError: it does not.
        """
        wanted = self.written_bytes + more_bytes
        if wanted > self.room_bytes:
            got = f"it unpacks to {in_units(wanted)} or more, {in_units(self.room_bytes)} are free"
            raise refused(self.archive, got)


def writer(archive: Path, into: Path, done: Callable[[], None]) -> Writer:
    """A writer that stops before the disk is full."""
    return Writer(archive.name, into, free_bytes(into), done)


def damaged(archive: str, got: str) -> DamagedArchiveError:
    """An archive that does not hold what it says."""
    return DamagedArchiveError(
        f"the archive {archive} is truncated or damaged; nothing of it is unpacked",
        got=got,
        wanted="a whole archive",
    )


def is_unpackers_own(fault: OSError) -> bool:
    """Whether it comes from `bz2`, which has no exception of its own for damage, and not from the disk."""
    return fault.errno is None
