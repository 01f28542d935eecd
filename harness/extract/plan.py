"""Which utterances share a shard and which share a batch: a plan that depends on the request alone.

The plan is made over everything that is wanted, not over what happens to be missing. So a run that was killed,
or that lost a shard, computes the same batches again and gets the same bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from harness.contracts import Card
from harness.errors import StoreError
from harness.store import Lack

SHARD_UTTERANCES = 64
"""What a killed process loses at most, of each shard that it had begun."""
SHARD_BYTES = 128 << 20
"""A shard is collected in memory before it is written."""
PADDING_SHARE = 0.05
"""Longest share of silence that may be added to a batch to make its waves equally long."""


@dataclass(frozen=True, kw_only=True)
class WaveSource:
    """Where the samples of an utterance lie."""

    id: str
    path: Path
    duration_s: float
    """What to plan with; the decoded wave may differ by a sample."""
    start_s: float | None = None
    end_s: float | None = None
    """The part of the file; None means from its beginning, to its end."""


class Piece(NamedTuple):
    """What becomes one shard, unless another process writes it first."""

    sources: tuple[WaveSource, ...]
    lack: Lack

    @property
    def name(self) -> str:
        """The same for the same work in every process."""
        text = "\n".join([repr(tuple(self.lack)), *(source.id for source in self.sources)])
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def __str__(self) -> str:
        return f"{len(self.sources)} utterances from {self.sources[0].id} on"

    @property
    def seconds(self) -> float:
        """Audio in it."""
        return sum(source.duration_s for source in self.sources)


def unique(sources: Iterable[WaveSource]) -> list[WaveSource]:
    """Each utterance once, longest first: what does not fit in memory fails at once, not after hours.

    Raises:
        StoreError: one id for two different pieces of audio.
    """
    found: dict[str, WaveSource] = {}
    for source in sources:
        other = found.setdefault(source.id, source)
        if other != source:
            raise StoreError(
                f"two utterances are called {source.id}",
                got=f"{other.path} from {other.start_s}, {source.path} from {source.start_s}",
                wanted="one id per utterance",
                next_step="correct the corpus reader",
            )
    return sorted(found.values(), key=lambda source: (-source.duration_s, source.id))


def pieces(
    sources: Sequence[WaveSource], lacking: Mapping[str, Lack], card: Card, frame_layers: Sequence[int]
) -> list[Piece]:
    """Shards over all sources, reduced to what is missing, and split where different things are missing."""
    found = []
    for shard in _shards(sources, card, len(frame_layers)):
        left = [source for source in shard if source.id in lacking]
        left.sort(key=lambda source: lacking[source.id])
        for lack, group in groupby(left, key=lambda source: lacking[source.id]):
            found.append(Piece(tuple(group), lack))
    return found


def shard_count(sources: Sequence[WaveSource], card: Card, frame_layers: Sequence[int]) -> int:
    """Shards of the whole request, whatever of it is missing."""
    return sum(1 for _ in _shards(sources, card, len(frame_layers)))


def _shards(sources: Sequence[WaveSource], card: Card, frame_layers: int) -> Iterator[list[WaveSource]]:
    """Neighbours in length, cut by number and by size on disk."""
    shard: list[WaveSource] = []
    size = 0.0
    for source in sources:
        more = _bytes(source, card, frame_layers)
        if shard and (len(shard) == SHARD_UTTERANCES or size + more > SHARD_BYTES):
            yield shard
            shard, size = [], 0.0
        shard.append(source)
        size += more
    if shard:
        yield shard


def _bytes(source: WaveSource, card: Card, frame_layers: int) -> float:
    """Float32 means, deviations and frames of an utterance."""
    frames = source.duration_s * card.sample_rate_hz / card.hop_samples if card.hop_samples else 1.0
    return 4.0 * card.dim * (2 * card.layers + frames * frame_layers)


def batches(sources: Sequence[WaveSource], batch_seconds: float | None) -> Iterator[list[WaveSource]]:
    """Cut sources, longest first, so that a padded batch fits the budget and is padded by less than 5 %.

    A clip longer than the budget makes its own batch; without a budget every clip does.
    """
    if batch_seconds is None:
        yield from ([source] for source in sources)
        return
    batch: list[WaveSource] = []
    audio_s = 0.0
    for source in sources:
        padded_s = batch[0].duration_s * (len(batch) + 1) if batch else 0.0
        padding_s = padded_s - audio_s - source.duration_s
        if batch and (padded_s > batch_seconds or padding_s >= PADDING_SHARE * padded_s):
            yield batch
            batch, audio_s = [], 0.0
        batch.append(source)
        audio_s += source.duration_s
    if batch:
        yield batch
