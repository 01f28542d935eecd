"""What the section `store` measures; every function prepares and returns the work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks._cell import Values, Work
from harness.store import Store, StoreKey, UtteranceFeatures

LAYERS, DIM, FRAMES, FRAME_LAYER, SHARD = 13, 768, 225, 12, 64


def key(name: str) -> StoreKey:
    """Of made-up features of a base model."""
    return StoreKey(
        corpus=name, corpus_sha256="", upstream="SYNTHETIC", weights_sha256="", code_version="1",
        layers=LAYERS, dim=DIM, preprocessing={},
    )  # fmt: skip


def made_up(count: int) -> Iterator[list[UtteranceFeatures]]:
    """Shards of utterances that share their numbers, so that making them costs nothing."""
    random = np.random.default_rng(0)
    mean = random.standard_normal((LAYERS, DIM)).astype(np.float32)
    frames = random.standard_normal((2 * FRAMES, DIM)).astype(np.float32)
    counts = random.integers(FRAMES // 2, 3 * FRAMES // 2, count)
    for first in range(0, count, SHARD):
        yield [
            UtteranceFeatures(
                f"u{row:06d}", int(counts[row]), mean, mean, {FRAME_LAYER: frames[: counts[row]]}
            )
            for row in range(first, min(first + SHARD, count))
        ]


def names(count: int) -> list[str]:
    """Of all utterances, in random order."""
    found = [f"u{row:06d}" for row in range(count)]
    np.random.default_rng(1).shuffle(found)
    return found


def fill(store: Store, count: int, *, frames: bool) -> None:
    """Means and deviations of so many utterances, or the frames of one layer."""
    for features in made_up(count):
        claim = store.claim(features[0].id)
        if claim is None:
            raise RuntimeError("somebody else writes into this store")
        with claim:
            store.write(claim, features, means=not frames, frame_layers=[FRAME_LAYER] if frames else [])


def write(settings: Values) -> Work:
    """Work: write all shards of a fresh store, checksums included."""
    store = Store(Path(settings["folder"]), key(f"{settings['part']}-{settings['repetition']}"))
    count = settings["utterances"]

    def work() -> Values:
        fill(store, count, frames=settings["part"] == "frames")
        return {"bytes": store.bytes_on_disk(), "utterances": count}

    return work


def write_raw(settings: Values) -> Work:
    """Work: write as many files of about the same sizes, each in one call."""
    folder = Path(settings["folder"]) / f"raw-{settings['part']}-{settings['repetition']}"
    folder.mkdir()
    size = _shard_bytes(settings["part"])
    block = np.random.default_rng(0).bytes(size)
    shards = -(-settings["utterances"] // SHARD)

    def work() -> Values:
        for number in range(shards):
            (folder / str(number)).write_bytes(block)
        return {"bytes": size * shards}

    return work


def _shard_bytes(part: str) -> int:
    return SHARD * DIM * 4 * (FRAMES if part == "frames" else 2 * LAYERS)


def fill_once(settings: Values) -> Work:
    """Work: the store and the raw files that are read later."""

    def work() -> Values:
        for part in ("means", "frames"):
            fill(Store(Path(settings["folder"]), key(part)), settings[part], frames=part == "frames")
            write_raw(settings | {"part": part, "repetition": "read", "utterances": settings[part]})()
        return {}

    return work


def opened(settings: Values) -> Work:
    """Work: open the store of all utterances."""
    folder, which = Path(settings["folder"]), key("means")

    def work() -> Values:
        Store(folder, which)
        return {"utterances": settings["utterances"]}

    return work


def read(settings: Values) -> Work:
    """Work: open the store and read all means, or all frames, in random order, checksums compared."""
    folder, which, ids = Path(settings["folder"]), key(settings["part"]), names(settings["utterances"])

    def work() -> Values:
        store = Store(folder, which)
        found = store.means(ids) if settings["part"] == "means" else store.frames(ids, FRAME_LAYER).values
        size = 2 * found.nbytes if settings["part"] == "means" else found.nbytes
        return {"bytes": found.nbytes, "compared_bytes": size}

    return work


def read_raw(settings: Values) -> Work:
    """Work: read every raw file whole."""
    folder = Path(settings["folder"]) / f"raw-{settings['part']}-read"

    def work() -> Values:
        return {"bytes": sum(len(path.read_bytes()) for path in folder.iterdir())}

    return work
