"""A store at an fsspec address: the address is the truth, a folder in the cache holds a mirror of what was read.

Opening lists the shards and fetches the indexes that are not here yet. A part is fetched when it is first asked
for, compared with the checksum in the index, and memory-mapped from the mirror. A shard is uploaded parts first;
its index makes it visible, so what a killed upload leaves is no shard.

Claims hold among the processes that share a cache. Not every service can create an object exclusively, so two
commands on two machines may compute the same shard at the same time. That costs time and nothing else: a name is
the hash of its content, and either one's files complete the other's.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StoreError
from harness.paths import cache_root, written_beside
from harness.store.catalogue import NAME, Catalogue
from harness.store.claims import TRASH
from harness.store.faults import damage, explained
from harness.store.features import Store
from harness.store.key import StoreKey
from harness.store.mirror import Remote, shown, trimmed
from harness.store.shard import INDEX, Shard, is_intact

KEY = "key.json"


def mirror_of(address: str) -> Path:
    """The folder in the cache that mirrors an address."""
    return cache_root() / "mirrors" / hashlib.sha256(trimmed(address).encode()).hexdigest()[:16]


@dataclass(kw_only=True)
class MirroredShard(Shard):
    """A shard whose index is here, and whose parts come when they are asked for."""

    remote: Remote
    at: str
    """Its folder, relative to the address."""

    def compare_sizes(self) -> None:
        """Nothing: what is not here, or not whole, is fetched when it is asked for."""

    def absent(self, part: str) -> bool:
        """Whether there is no copy here that could be the right one."""
        path = self.path(part)
        return not path.is_file() or path.stat().st_size != int(self.files[part]["bytes"])

    def source(self, part: str) -> str:
        """The part, relative to the address."""
        return f"{self.at}/{part}.npy"

    def verify(self, part: str) -> None:
        """As of the copy that is here, fetched where none is, and once more where it is not the right one."""
        if part in self.checked:
            return
        if not self.absent(part):
            with suppress(StoreError):
                super().verify(part)
                return
            self.path(part).unlink(missing_ok=True)
        self.remote.fetch({self.source(part): self.path(part)})
        try:
            super().verify(part)
        except StoreError as fault:
            self.path(part).unlink(missing_ok=True)
            place = f"{shown(self.remote.address)}/{self.source(part)}"
            raise damage(place, str(fault.got), str(fault.wanted)) from fault


class MirroredCatalogue(Catalogue):
    """The shards at an address."""

    def __init__(self, folder: Path, store: str, remote: Remote) -> None:
        self._remote = remote
        self._fetched: dict[str, bytes] = {}
        super().__init__(folder, store)

    def _at(self, name: str) -> str:
        return f"{self.store}/shards/{name}"

    def _stamps(self) -> dict[str, object]:
        """What has an index; those that are not here are fetched, many at a time."""
        names = {name for name in self._remote.sizes(f"{self.store}/shards") if NAME.fullmatch(name)}
        known = self.shards.keys() | self.damaged.keys()
        new = [name for name in names - known if not (self.folder / name / INDEX).is_file()]
        texts = self._remote.read([f"{self._at(name)}/{INDEX}" for name in new])
        self._fetched = {path.split("/")[-2]: text for path, text in texts.items()}
        return dict.fromkeys(name for name in names if name not in new or name in self._fetched)

    def _is_listed(self, name: str) -> bool:
        return True

    def _stamp(self, name: str) -> object:
        return None

    def _open(self, name: str) -> Shard:
        folder = self.folder / name
        path = folder / INDEX
        if name in self._fetched:
            with explained(path), written_beside(path) as temporary:
                temporary.write_bytes(self._fetched.pop(name))
        try:
            return MirroredShard.open(folder, self.store, remote=self._remote, at=self._at(name))
        except StoreError:
            path.unlink(missing_ok=True)
            raise

    def check(self, part: str, ids: Sequence[str]) -> None:
        """Fetch what is not here, many parts at a time, and compare it with the checksums."""
        self._bring(part, self._serving(part, ids))
        super().check(part, ids)

    def _bring(self, part: str, names: Iterable[str]) -> None:
        shards = [self.shards[name] for name in names]
        absent = [shard for shard in shards if isinstance(shard, MirroredShard) and shard.absent(part)]
        with explained(self.folder, sum(int(shard.files[part]["bytes"]) for shard in absent)):
            self._remote.fetch({shard.source(part): shard.path(part) for shard in absent})

    def check_all(self) -> None:
        """Fetch and read every file anew."""
        for shard in self.shards.values():
            for part in shard.files:
                shard.path(part).unlink(missing_ok=True)
        super().check_all()


class MirroredStore(Store):
    """Features at an address; reads, writes and promises what `Store` does.

    Args:
        address: that fsspec knows, such as `s3://bucket/prefix`.
        key: everything that shaped the features.

    Raises:
        StoreError: the address cannot be reached, or the mirror not be written.
    """

    def __init__(self, address: str, key: StoreKey) -> None:
        self._remote = Remote(address)
        super().__init__(mirror_of(address), key)
        self.address = self._remote.address

    def __reduce__(self) -> tuple[object, ...]:
        return MirroredStore, (self.address, self.key)

    def _opened(self) -> Catalogue:
        return MirroredCatalogue(self.path / "shards", self.name, self._remote)

    def prepare(self) -> None:
        """As in a folder; the readable key is uploaded, and damaged shards are removed from the address."""
        super().prepare()
        at = f"{self.name}/{KEY}"
        if self._remote.read([at]).get(at) != (self.path / KEY).read_bytes():
            self._remote.push({at: self.path / KEY}, last=at)

    def _remove_damaged(self, name: str) -> None:
        """Looked at once more, for another writer may have replaced it; the index goes first."""
        at = f"{self.name}/shards/{name}"
        self._pending.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._pending, prefix=TRASH) as folder:
            copy = Path(folder)
            self._remote.fetch({f"{at}/{file}": copy / file for file in self._remote.sizes(at)})
            if not is_intact(copy, self.name, name):
                self._remote.remove(at, INDEX)
        super()._remove_damaged(name)

    def _publish(self, scratch: Path, name: str) -> None:
        """To the address first: what is there is stored."""
        at = f"{self.name}/shards/{name}"
        files = {f"{at}/{file.name}": file for file in sorted(scratch.iterdir())}
        if name in self._catalogue.damaged or not self._is_there(at, files):
            self._remote.push(files, last=f"{at}/{INDEX}")
        super()._publish(scratch, name)

    def _is_there(self, at: str, files: dict[str, Path]) -> bool:
        """Whether somebody has uploaded the same shard meanwhile: its index and files of these sizes."""
        index = f"{at}/{INDEX}"
        sizes = self._remote.sizes(at)
        return (
            all(sizes.get(file.name) == file.stat().st_size for file in files.values())
            and self._remote.read([index]).get(index) == files[index].read_bytes()
        )
