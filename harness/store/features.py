"""The store: what is missing, how shards are added, and how features are read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import StoreError
from harness.paths import write_text
from harness.store import claims
from harness.store.catalogue import Catalogue
from harness.store.faults import explained
from harness.store.key import StoreKey
from harness.store.publish import publish, put_away
from harness.store.shard import (
    DEVIATIONS,
    MEANS,
    UtteranceFeatures,
    frames_part,
    is_intact,
    write_shard,
)


class Lack(NamedTuple):
    """What the store does not hold of an utterance, or holds damaged."""

    means: bool
    layers: tuple[int, ...]
    """Layers without frames, rising."""


class Gathered(NamedTuple):
    """Frames of one layer, in the order that was asked for."""

    values: NDArray[np.float32]
    """(total_frames, dim)."""
    offsets: NDArray[np.int64]
    """(utterances + 1,): utterance i owns rows offsets[i]:offsets[i + 1]."""


class Store:
    """Features under `root`, in the folder that the key names. Opening reads the indexes and no features.

    Any number of processes may read and write the same store at once. What lies in a shard never changes; what
    is damaged counts as missing, and is removed by the next process that writes.

    Args:
        root: folder of all stores; made when something is written.
        key: everything that shaped the features.

    Raises:
        StoreError: the folder cannot be read.
    """

    def __init__(self, root: Path, key: StoreKey) -> None:
        self.key, self.name = key, key.name()
        self.path = root / self.name
        self._pending = self.path / "pending"
        self.address = str(root)
        """Where it can be opened again, in another process too: see `open_store`."""
        self._catalogue = self._opened()

    def __reduce__(self) -> tuple[object, ...]:
        return Store, (Path(self.address), self.key)

    def _opened(self) -> Catalogue:
        return Catalogue(self.path / "shards", self.name)

    def refresh(self) -> None:
        """Take notice of what other processes have added or removed."""
        self._catalogue.refresh()

    def lacking(self, ids: Iterable[str], frame_layers: Iterable[int] = ()) -> dict[str, Lack]:
        """What is missing of each utterance, means and frames of these layers; complete ones are left out.

        Every shard that holds some of it is compared with its checksums, once per process.

        Raises:
            StoreError: a layer that the upstream does not have.
        """
        wanted, layers = list(ids), self._valid(frame_layers)
        for part in (MEANS, DEVIATIONS, *map(frames_part, layers)):
            self._catalogue.check(part, wanted)
        found = {name: self._lack(name, layers) for name in wanted}
        return {name: lack for name, lack in found.items() if lack.means or lack.layers}

    def _lack(self, name: str, layers: Sequence[int]) -> Lack:
        holds = self._catalogue.holds
        absent = tuple(layer for layer in layers if not holds(frames_part(layer), name))
        return Lack(not (holds(MEANS, name) and holds(DEVIATIONS, name)), absent)

    def missing(self, ids: Iterable[str], frame_layers: Iterable[int] = ()) -> list[str]:
        """The utterances that still have to be extracted, in the order given. See `lacking`."""
        return list(self.lacking(ids, frame_layers))

    def verify(self) -> list[str]:
        """Read every file anew and return the names of the damaged shards; they now count as missing."""
        self.refresh()
        self._catalogue.check_all()
        return sorted(self._catalogue.damaged)

    def bytes_on_disk(self) -> int:
        """Size of all files of the store."""
        return sum(_size_of(file) for file in self.path.rglob("*"))

    def _valid(self, layers: Iterable[int]) -> list[int]:
        """The layers in rising order, refused where the upstream does not have them."""
        wanted = sorted(set(layers))
        wrong = [layer for layer in wanted if not 0 <= layer < self.key.layers]
        if wrong:
            raise StoreError(
                f"{self.key.upstream} has no such layer",
                got=", ".join(map(str, wrong)),
                wanted=f"0 to {self.key.layers - 1}",
                next_step="choose another layer in the view",
            )
        return wanted

    # --------------------------------------------------------------------------------------------- reading

    def means(self, ids: Sequence[str], layers: Sequence[int] | None = None) -> NDArray[np.float32]:
        """Time means (utterances, layers, dim) in the order asked for; `layers` picks some, None gives all.

        Raises:
            StoreError: an utterance that is missing, or a damaged shard.
        """
        return self._statistics(MEANS, ids, layers)

    def stds(self, ids: Sequence[str], layers: Sequence[int] | None = None) -> NDArray[np.float32]:
        """Standard deviations over time (divided by the number of frames); otherwise as `means`."""
        return self._statistics(DEVIATIONS, ids, layers)

    def _statistics(self, part: str, ids: Sequence[str], layers: Sequence[int] | None) -> NDArray[np.float32]:
        picked = np.asarray(range(self.key.layers) if layers is None else layers, np.int64)
        self._valid(picked.tolist())
        values = np.empty((len(ids), len(picked), self.key.dim), np.float32)
        for shard, positions, rows in self._catalogue.slices(part, ids):
            values[positions] = shard.mapped(part)[np.ix_(rows, picked)]
        return values

    def frames(self, ids: Sequence[str], layer: int, out: NDArray[np.float32] | None = None) -> Gathered:
        """Frames of a layer, packed in the order asked for; filled into `out` (total_frames, dim) where given.

        Raises:
            StoreError: an utterance whose frames are missing, a damaged shard, an `out` of another size.
        """
        part = frames_part(*self._valid([layer]))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(self._counts(part, ids))])
        shape = (int(offsets[-1]), self.key.dim)
        values = np.empty(shape, np.float32) if out is None else out
        if values.shape != shape:
            raise StoreError("the place for the frames has another size", got=values.shape, wanted=shape)
        for shard, positions, rows in self._catalogue.slices(part, ids):
            stored, starts = shard.mapped(part), shard.offsets
            for position, row in zip(positions, rows, strict=True):
                values[offsets[position] : offsets[position + 1]] = stored[starts[row] : starts[row + 1]]
        return Gathered(values, offsets)

    def frame_counts(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """(utterances,) number of frames of each utterance, whether or not the frames themselves are stored.

        Raises:
            StoreError: an utterance that is missing.
        """
        return self._counts(MEANS, ids)

    def _counts(self, part: str, ids: Sequence[str]) -> NDArray[np.int64]:
        counts = np.zeros(len(ids), np.int64)
        for shard, positions, rows in self._catalogue.slices(part, ids):
            counts[positions] = shard.frames[rows]
        return counts

    # --------------------------------------------------------------------------------------------- writing

    def claim(self, work: str) -> claims.Claim | None:
        """The sole right to write the piece of work of that name; None where a living process holds it.

        Raises:
            StoreError: the disk is full or may not be written.
        """
        with explained(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            return claims.take(self._pending, work)

    def prepare(self) -> None:
        """Write the readable key, and remove what killed writers and damaged shards have left.

        Raises:
            StoreError: the disk is full or may not be written.
        """
        readable = self.path / "key.json"
        with explained(self.path):
            if not readable.is_file() or readable.read_text(errors="replace") != self.key.json():
                write_text(readable, self.key.json())
            claims.sweep(self._pending)
            for name in sorted(self._catalogue.damaged):
                self._remove_damaged(name)
        self.refresh()

    def _remove_damaged(self, name: str) -> None:
        """Remove it unless another writer has meanwhile put a sound one in its place."""
        folder = self._catalogue.folder / name
        if folder.exists() and not is_intact(folder, self.name):
            put_away(folder, self.name, self._pending)
        self._catalogue.damaged.pop(name, None)

    def write(
        self,
        claim: claims.Claim,
        features: Sequence[UtteranceFeatures],
        *,
        means: bool = True,
        frame_layers: Iterable[int] = (),
    ) -> None:
        """Add a shard: means and deviations if told to, and the frames of these layers.

        Raises:
            StoreError: a shape that is not the key's, a disk that is full or may not be written. Then nothing
                is added, and what was added before stays.
        """
        layers = self._valid(frame_layers)
        kinds: dict[str, str] = dict.fromkeys((MEANS, DEVIATIONS), "float32") if means else {}
        kinds |= dict.fromkeys(map(frames_part, layers), self.key.dtype)
        for item in features:
            self._check_shapes(item, means, layers)
        if not features or not kinds:
            return
        with explained(self.path, self._size(features, means, len(layers))):
            name = self._written(claim.scratch, features, kinds)
        self.refresh()
        if name in self._catalogue.shards:
            self._catalogue.shards[name].checked.update(kinds)

    def _written(self, scratch: Path, features: Sequence[UtteranceFeatures], kinds: Mapping[str, str]) -> str:
        """Write and publish a shard; once more where the folder was swept away, its writer taken for dead."""
        for last in (False, True):
            try:
                name = write_shard(claims.emptied(scratch), self.name, features, kinds)
                self._publish(scratch, name)
            except FileNotFoundError:
                if last:
                    raise
            else:
                break
        return name

    def _publish(self, scratch: Path, name: str) -> None:
        publish(scratch, self._catalogue.folder / name, self.name, self._pending)
        self._catalogue.damaged.pop(name, None)

    def _size(self, features: Sequence[UtteranceFeatures], means: bool, layers: int) -> int:
        """Bytes of a shard, but for headers and index."""
        frames = sum(item.n_frames for item in features)
        statistics = 2 * 4 * self.key.layers * len(features) if means else 0
        return self.key.dim * (statistics + np.dtype(self.key.dtype).itemsize * layers * frames)

    def _check_shapes(self, item: UtteranceFeatures, means: bool, layers: Sequence[int]) -> None:
        wanted: dict[str, Any] = {frames_part(layer): (item.n_frames, self.key.dim) for layer in layers}
        got: dict[str, Any] = {
            frames_part(layer): item.frames[layer].shape if layer in item.frames else None for layer in layers
        }
        if means:
            wanted |= dict.fromkeys((MEANS, DEVIATIONS), (self.key.layers, self.key.dim))
            got |= {MEANS: item.mean.shape, DEVIATIONS: item.std.shape}
        if got != wanted or item.n_frames < 1:
            raise StoreError(
                f"features of {item.id} do not fit the store of {self.key.upstream}",
                got=f"{item.n_frames} frames, {got}",
                wanted=f"at least 1 frame, {wanted}",
                next_step="correct layers and dim on the card, or the upstream's frame count",
            )


def _size_of(file: Path) -> int:
    """Bytes of a file; of what is no file, or has just gone, none."""
    try:
        return file.stat().st_size if file.is_file() else 0
    except FileNotFoundError:
        return 0
