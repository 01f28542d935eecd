"""Where what is fetched lies: the target, and beside it one folder for everything about the getting.

Beside a target `emodb` lies `emodb.get`: the receipt, the archives with what has arrived of them, a lock, and
while something is unpacked the folder `pending`, which becomes the target in one step. It lies on the target's
own disk, because only there a folder can be renamed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.fetch._errors import FetchError


@dataclass(frozen=True)
class Place:
    """The target and what belongs to it."""

    target: Path

    @property
    def beside(self) -> Path:
        """The folder of the getting."""
        return self.target.with_name(f"{self.target.name}.get")

    @property
    def receipt(self) -> Path:
        """What was fetched, and when."""
        return self.beside / "receipt.json"

    @property
    def archives(self) -> Path:
        """What came, and what has arrived so far of what is coming."""
        return self.beside / "archives"

    @property
    def pending(self) -> Path:
        """What is being unpacked."""
        return self.beside / "pending"

    @property
    def occupied(self) -> bool:
        """Whether anything lies in the target."""
        return self.target.exists() and not (self.target.is_dir() and not any(self.target.iterdir()))

    def require_free(self) -> None:
        """Stop unless the target can appear in one step.

        Raises:
            FetchError: something lies there that was not fetched, or another disk begins there.
        """
        if self.occupied:
            raise FetchError(
                "the target is not empty, and no receipt says that it was fetched",
                got=str(self.target),
                wanted="a folder that does not exist yet, or an empty one",
                next_step="choose another one with to=DIR; if this is the corpus, look at it with corpus check",
            )
        if self.target.exists() and os.path.ismount(self.target):
            raise FetchError(
                "the target is the top of a disk, which cannot be put in place in one step",
                got=str(self.target),
                wanted="a folder on that disk",
                next_step=f"to={self.target / 'corpus'}",
            )

    @contextmanager
    def filled(self) -> Iterator[Path]:
        """An empty folder to fill; it becomes the target if the block ends well, and vanishes if not."""
        self._clear()
        self.pending.mkdir(parents=True)
        try:
            yield self.pending
            if self.target.is_dir():
                self.target.rmdir()
            self.pending.replace(self.target)
        finally:
            self._clear()

    def _clear(self) -> None:
        if self.pending.exists():
            shutil.rmtree(self.pending)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the place against a second program.

        Raises:
            FetchError: another one is fetching to it.
        """
        from harness.store import claims

        claim = claims.take(self.beside, "fetch")
        if claim is None:
            raise FetchError(
                "another program is fetching to this place",
                got=str(self.target),
                wanted="one at a time",
                next_step="wait for it, or choose another folder with to=DIR",
            )
        with claim:
            yield


def place_at(folder: Path) -> Place:
    """The place of a target that the user named.

    Raises:
        FetchError: nothing can lie beside it.
    """
    target = folder.expanduser().resolve()
    if not target.name:
        raise FetchError(
            "the target is the top of the file system", got=str(target), wanted="a folder, to=DIR"
        )
    return Place(target)
