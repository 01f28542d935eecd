"""Results that are two files each, kept on this disk and, where the store is at an address, beside it too.

A machine that is lost then loses nothing: the next one brings what is at the address and goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.store.mirror import Remote, is_address


class Pairs:
    """Pairs of files of one name; the second one is written last and says that the pair is whole.

    Args:
        place: of the store; None or a folder: the files on this disk are all there is.
        at: folder below the address.
        folder: folder on this disk.
        endings: of the first and the second file.
    """

    def __init__(self, place: str | None, at: str, folder: Path, endings: tuple[str, str]) -> None:
        self._remote = Remote(place) if place is not None and is_address(place) else None
        self._at, self._folder, self._endings = at, folder, endings

    def exchange(self, stems: Iterable[str]) -> None:
        """Copy pairs to where they are missing, on this disk or at the address; none is overwritten.

        Raises:
            StoreError: the address cannot be reached.
        """
        if self._remote is None:
            return
        first, last = self._endings
        there = self._remote.sizes(self._at).keys()
        coming = []
        for stem in stems:
            is_there = f"{stem}{last}" in there
            if not (self._folder / f"{stem}{last}").is_file():
                coming += [stem] if is_there else []
            elif not is_there and (self._folder / f"{stem}{first}").is_file():
                self.send(stem)
        for ending in self._endings:
            self._remote.fetch({f"{self._at}/{s}{ending}": self._folder / f"{s}{ending}" for s in coming})

    def send(self, stem: str) -> None:
        """Upload a pair, the second file last.

        Raises:
            StoreError: the address cannot be reached.
        """
        if self._remote is not None:
            first, last = (f"{stem}{ending}" for ending in self._endings)
            files = {f"{self._at}/{name}": self._folder / name for name in (first, last)}
            self._remote.push(files, last=f"{self._at}/{last}")
