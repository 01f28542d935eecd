"""Which utterance lies in which shard, and which shards can be believed."""

from __future__ import annotations

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import StoreError
from harness.store.faults import explained
from harness.store.shard import Shard

NAME = re.compile(r"[0-9a-f]{32}")
"""Of a shard; a network file system may show files of its own beside them."""

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where an utterance lies."""

    shard: str
    row: int


class Slice(NamedTuple):
    """What one shard gives to an answer."""

    shard: Shard
    positions: NDArray[np.int64]
    """Where it goes in the answer."""
    rows: NDArray[np.int64]
    """Where it lies in the shard."""


class Catalogue:
    """The shards in a folder: indexes in memory, features on disk.

    Where two shards hold the same part of an utterance, the one whose name sorts first gives it, so that every
    process reads the same.
    """

    def __init__(self, folder: Path, store: str) -> None:
        self.folder, self.store = folder, store
        self.shards: dict[str, Shard] = {}
        self.damaged: dict[str, object] = {}
        self._where: dict[str, dict[str, Place]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Take notice of what has been added or removed on disk."""
        with explained(self.folder):
            stamps = self._stamps()
        gone = {name for name in self.shards if name not in stamps}
        self.damaged = {name: stamp for name, stamp in self.damaged.items() if stamps.get(name) == stamp}
        self._forget(gone)
        for name in sorted(stamps.keys() - self.shards.keys() - self.damaged.keys()):
            try:
                self.shards[name] = self._open(name)
            except StoreError as fault:
                if self._is_listed(name):  # else somebody has just removed it
                    self.set_aside(name, fault)
            else:
                self._enter(name)

    def _stamps(self) -> dict[str, object]:
        """What is there by name; of damaged ones, what tells a folder from one that took its place."""
        if not self.folder.is_dir():
            return {}
        with os.scandir(self.folder) as entries:
            names = [entry.name for entry in entries if NAME.fullmatch(entry.name)]
        return {name: self._stamp(name) if name in self.damaged else None for name in names}

    def _is_listed(self, name: str) -> bool:
        return (self.folder / name).is_dir()

    def _stamp(self, name: str) -> object:
        """The number alone would not do: the next folder may be given it again."""
        with suppress(OSError):
            found = (self.folder / name).stat()
            return found.st_ino, found.st_mtime_ns
        return None

    def _open(self, name: str) -> Shard:
        return Shard.open(self.folder / name, self.store)

    def _enter(self, name: str) -> None:
        for part in self.shards[name].files:
            places = self._where.setdefault(part, {})
            for row, utterance in enumerate(self.shards[name].ids):
                place = Place(name, row)
                places[utterance] = min(places.get(utterance, place), place)

    def _forget(self, names: Iterable[str]) -> None:
        if not [name for name in names if self.shards.pop(name, None) is not None]:
            return
        self._where = {}
        for name in self.shards:
            self._enter(name)

    def set_aside(self, name: str, fault: StoreError) -> None:
        """Treat a shard as if it were not there; what it alone held is missing from now on."""
        log.warning("%s", fault)
        self._forget([name])
        self.damaged[name] = self._stamp(name)

    def holds(self, part: str, utterance: str) -> bool:
        """Whether a shard lists this part of an utterance."""
        return utterance in self._where.get(part, {})

    def check(self, part: str, ids: Sequence[str]) -> None:
        """Compare all shards that would serve this request with their checksums; damaged ones are set aside."""
        faulty = [name for name in self._serving(part, ids) if not self._is_sound(name, [part])]
        if faulty:
            self.check(part, ids)

    def _serving(self, part: str, ids: Iterable[str]) -> list[str]:
        """The shards that this part of these utterances would be read from."""
        places = self._where.get(part, {})
        return sorted({places[utterance].shard for utterance in ids if utterance in places})

    def check_all(self) -> None:
        """Read every file anew; damaged shards are set aside."""
        for name, shard in list(self.shards.items()):
            shard.checked.clear()
            self._is_sound(name, shard.files)

    def _is_sound(self, name: str, parts: Iterable[str]) -> bool:
        try:
            for part in parts:
                self.shards[name].verify(part)
        except StoreError as fault:
            self.set_aside(name, fault)
            return False
        return True

    def slices(self, part: str, ids: Sequence[str]) -> Iterator[Slice]:
        """Shard by shard, what answers a request for this part of these utterances.

        Raises:
            StoreError: an utterance that no shard holds.
        """
        places = self._where.get(part, {})
        absent = [utterance for utterance in ids if utterance not in places]
        if absent:
            raise StoreError(
                f"{len(absent)} of {len(ids)} utterances have no {part} in the store",
                got=", ".join(absent[:5]) + (" ..." if len(absent) > 5 else ""),
                wanted=f"features of every utterance in {self.folder.parent}",
                next_step="extract them first: python -m harness extract, with the same recipe",
            )
        asked: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for position, utterance in enumerate(ids):
            asked[places[utterance].shard].append((position, places[utterance].row))
        for name in sorted(asked):
            positions, rows = np.asarray(asked[name], np.int64).T
            yield Slice(self.shards[name], positions, rows)
