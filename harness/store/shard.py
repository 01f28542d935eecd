"""One shard: a folder of arrays with an index, written once, whole or absent, checked before it is believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from harness.errors import StoreError
from harness.store.faults import damage

Floats = NDArray[np.floating[Any]]

INDEX = "index.json"
MEANS, DEVIATIONS = "means", "stds"
NAME_DIGITS = 32


class UtteranceFeatures(NamedTuple):
    """What is stored of one utterance."""

    id: str
    n_frames: int
    mean: NDArray[np.float32]
    """(layers, dim), over time."""
    std: NDArray[np.float32]
    """(layers, dim), over time, divided by the number of frames."""
    frames: Mapping[int, Floats]
    """layer -> (n_frames, dim)."""


def frames_part(layer: int) -> str:
    """The part of a shard that holds the frames of a layer.

    >>> frames_part(12)
    'frames_012'
    """
    return f"frames_{layer:03d}"


class _Hashed:
    """A file that sums what is written to it, so that it need not be read again."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes | memoryview) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


def write_shard(
    folder: Path, store: str, features: Sequence[UtteranceFeatures], parts: Mapping[str, DTypeLike]
) -> str:
    """Write the parts of `features` into an empty folder, the index last, and return the shard's name.

    No fsync: after a power cut the checksums show what did not reach the disk, and it is extracted again.
    """
    files = {
        part: _write_array(folder / f"{part}.npy", _blocks(part, features), dtype)
        for part, dtype in parts.items()
    }
    index = {
        "store": store,
        "ids": [item.id for item in features],
        "frames": [item.n_frames for item in features],
        "files": files,
    }
    text = json.dumps(index, ensure_ascii=True).encode()
    (folder / INDEX).write_bytes(text)
    return _name(text)


def _name(index: bytes) -> str:
    return hashlib.sha256(index).hexdigest()[:NAME_DIGITS]


def _blocks(part: str, features: Sequence[UtteranceFeatures]) -> list[Floats]:
    """What each utterance adds to a part: blocks that follow each other along the first axis."""
    if part == MEANS:
        return [item.mean[None] for item in features]
    if part == DEVIATIONS:
        return [item.std[None] for item in features]
    return [item.frames[int(part.removeprefix("frames_"))] for item in features]


def _write_array(path: Path, blocks: Sequence[Floats], dtype: DTypeLike) -> dict[str, object]:
    """An .npy file (version 1.0) block by block, little-endian; its size and checksum."""
    kind = np.dtype(dtype).newbyteorder("<")
    shape = (sum(block.shape[0] for block in blocks), *blocks[0].shape[1:])
    header = {"descr": kind.str, "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        hashed = _Hashed(file)
        np.lib.format.write_array_header_1_0(hashed, header)
        for block in blocks:
            hashed.write(_cast(block, kind).data.cast("B"))
    return {"bytes": hashed.size, "sha256": hashed.digest.hexdigest()}


def _cast(block: Floats, kind: np.dtype[Any]) -> Floats:
    try:
        with np.errstate(over="raise"):
            return np.ascontiguousarray(block, kind)
    except FloatingPointError as error:
        raise StoreError(
            f"features too large for {kind.name}",
            got=f"{float(np.abs(block).max()):g}",
            wanted=f"at most {float(np.finfo(kind).max):g}",
            next_step="store frames as float32",
        ) from error


@dataclass
class Shard:
    """A shard on disk. Nothing in it is believed before its checksum has been compared, once per process."""

    folder: Path
    ids: tuple[str, ...]
    frames: NDArray[np.int64]
    """(utterances,) number of frames."""
    files: Mapping[str, Mapping[str, Any]]
    checked: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, folder: Path, store: str, name: str | None = None, **more: Any) -> Self:  # noqa: ANN401
        """Read the index and compare the sizes of all files.

        Args:
            folder: of the shard.
            store: that it belongs to.
            name: of the shard, where its folder has another one.
            more: what a special kind of shard has besides.

        Raises:
            StoreError: the index or the size of a file is not what was written.
        """
        text = _read(folder / INDEX)
        if _name(text) != (name or folder.name):
            raise damage(folder / INDEX, f"checksum {_name(text)}", name or folder.name)
        index = json.loads(text)
        if index["store"] != store:
            raise damage(folder, f"features of store {index['store']}", store)
        frames = np.asarray(index["frames"], np.int64)
        shard = cls(folder, tuple(index["ids"]), frames, index["files"], **more)
        shard.compare_sizes()
        return shard

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(utterances + 1,): utterance i owns rows offsets[i]:offsets[i + 1] of every frames part."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.frames)])

    def path(self, part: str) -> Path:
        """The file of a part."""
        return self.folder / f"{part}.npy"

    def compare_sizes(self) -> None:
        """Raise `StoreError` where a file is missing, cut short or too long."""
        for part in self.files:
            self.compare_size(part)

    def compare_size(self, part: str) -> None:
        """The same of one part's file."""
        path, wanted = self.path(part), int(self.files[part]["bytes"])
        size = path.stat().st_size if path.is_file() else None
        if size != wanted:
            raise damage(path, "no such file" if size is None else f"{size} bytes", f"{wanted} bytes")

    def verify(self, part: str) -> None:
        """Compare the checksum of a part with the index, unless this process has done so.

        Raises:
            StoreError: the file is not what was written.
        """
        if part in self.checked:
            return
        self.compare_size(part)
        path = self.path(part)
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise damage(path, str(error), "a readable file") from error
        if digest != self.files[part]["sha256"]:
            raise damage(path, f"checksum {digest[:16]}", self.files[part]["sha256"][:16])
        self.checked.add(part)

    def mapped(self, part: str) -> Floats:
        """A part, memory-mapped and read-only, once its checksum has been found right."""
        self.verify(part)
        try:
            mapped: Floats = np.load(self.path(part), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise damage(self.path(part), str(error), "the array that was written") from error
        return mapped


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise damage(path, str(error), "a readable file") from error


def is_intact(folder: Path, store: str, name: str | None = None) -> bool:
    """Whether everything in a shard's folder is what was written, read from the disk anew. See `Shard.open`."""
    try:
        shard = Shard.open(folder, store, name)
        for part in shard.files:
            shard.verify(part)
    except StoreError:
        return False
    return True
