"""What the feature store costs, beside raw files of the same bytes on the same disk.

    python benchmarks/store.py [folder] [utterances]

Made-up features of a base model (13 layers of 768, 50 frames per second), of IEMOCAP's size by default: 5,531
utterances of 4.5 s. Frames are those of one layer. Each figure is one run; the disk's cache is warm.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from harness.clock import peak_rss_mib
from harness.store import Store, StoreKey, UtteranceFeatures

LAYERS, DIM, FRAMES, FRAME_LAYER, SHARD = 13, 768, 225, 12, 64
MIB = 1 << 20


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


def timed(what: str, work: Callable[[], object], size: int = 0) -> None:
    """Print what the work costs."""
    start = time.perf_counter()
    work()
    wall_s = time.perf_counter() - start
    rate = f"{size / MIB / wall_s:8.0f} MiB/s" if size else ""
    print(f"{what:46s} {wall_s:8.3f} s {rate:16s} peak {peak_rss_mib():6.0f} MiB")


def write(store: Store, count: int, *, frames: bool) -> None:
    """Fill the store."""
    for features in made_up(count):
        with store.claim(features[0].id) as claim:
            store.write(claim, features, means=not frames, frame_layers=[FRAME_LAYER] if frames else [])


def write_raw(folder: Path, sizes: list[int]) -> None:
    """Files of these sizes."""
    folder.mkdir()
    block = np.random.default_rng(0).bytes(max(sizes))
    for number, size in enumerate(sizes):
        (folder / str(number)).write_bytes(block[:size])


def read_raw(folder: Path) -> None:
    """Every file of the folder."""
    for path in folder.iterdir():
        path.read_bytes()


def main(root: Path, count: int) -> None:
    """Print all figures."""
    key = StoreKey(
        corpus="made up", corpus_sha256="", upstream="none", weights_sha256="", code_version="1",
        layers=LAYERS, dim=DIM, preprocessing={},
    )  # fmt: skip
    store = Store(root, key)
    ids = [item.id for features in made_up(count) for item in features]
    np.random.default_rng(1).shuffle(ids)
    for frames, title in ((False, "means and deviations"), (True, "frames of one layer")):
        before = store.bytes_on_disk()
        start = time.perf_counter()
        write(store, count, frames=frames)
        wall_s = time.perf_counter() - start
        size = store.bytes_on_disk() - before
        print(f"\n{title}: {size / MIB:.0f} MiB, {size / count / 1024:.1f} KiB per utterance")
        print(f"{'write':46s} {wall_s:8.3f} s {size / MIB / wall_s:8.0f} MiB/s")
        raw = root / f"raw{frames:d}"
        shards = len(range(0, count, SHARD))
        timed("write raw files of the same size", lambda: write_raw(raw, [size // shards] * shards), size)  # noqa: B023
        timed("read raw files", lambda: read_raw(raw), size)  # noqa: B023
        shutil.rmtree(raw)
    print("\nreading, utterances in random order")
    timed("open", lambda: Store(root, key))
    fresh = Store(root, key)
    timed("missing: means, checksums compared", lambda: fresh.missing(ids))
    half = count * LAYERS * DIM * 4
    timed("means, once compared", lambda: fresh.means(ids), half)
    timed("means, freshly opened", lambda: Store(root, key).means(ids), half)
    timed("means of the last layer, freshly opened", lambda: Store(root, key).means(ids, [12]))
    frame_bytes = int(fresh.frame_counts(ids).sum()) * DIM * 4
    some = ids[: count // 10]
    timed("frames of a tenth, freshly opened", lambda: Store(root, key).frames(some, 12), frame_bytes // 10)
    timed("frames of all, freshly opened", lambda: Store(root, key).frames(ids, 12), frame_bytes)
    timed(
        "missing: means and frames, freshly opened", lambda: Store(root, key).missing(ids, [12]), frame_bytes
    )


if __name__ == "__main__":
    base = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=base) as temporary:
        main(Path(temporary), int(sys.argv[2]) if len(sys.argv) > 2 else 5531)
