"""Operations, hours and bytes of a suite, upstream by upstream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.contracts import Card
from harness.costs import Cost, cost_of
from harness.errors import ConfigError
from harness.forecast._placing import makespan
from harness.forecast._suite import CorpusSize, Suite, SuiteHead, read_suite
from harness.forecast._suite_request import SuiteRequest
from harness.models import presented

DEV_SHARE = 0.2
"""Of the training part, watched after every epoch."""
FORWARD, BACKWARD = 2.0, 2.0
"""Operations per weight and frame; the features need no gradient."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One upstream over all corpora."""

    cost: Cost
    audio_s: float
    flop: float
    """Of the extraction."""
    core_s: float
    """Of one core, where the cost is a measured time and not arithmetic."""
    extract_s: float
    """Of one worker."""
    head_flop: float
    cells: tuple[float, ...]
    """Seconds of one worker per training, longest first."""
    means_bytes: float
    frames_bytes: float

    @property
    def flop_per_audio_s(self) -> float:
        """Mean over the suite's clips."""
        return self.flop / self.audio_s


@dataclass(frozen=True, kw_only=True)
class SuiteForecast:
    """All upstreams."""

    suite: Suite
    request: SuiteRequest
    parts: tuple[Part, ...]

    @property
    def utterances(self) -> int:
        """Of all corpora."""
        return sum(size.utterances for size in self.suite.sizes())

    @property
    def hours(self) -> float:
        """Of all corpora."""
        return sum(size.hours for size in self.suite.sizes())

    @property
    def worker_s(self) -> float:
        """Of all extractions, in seconds of one worker."""
        return sum(part.extract_s for part in self.parts)

    @property
    def extract_s(self) -> float:
        """Wall time: shards are many and small, so that all workers end together."""
        return self.worker_s / self.request.workers

    @property
    def head_worker_s(self) -> float:
        """Of all trainings, in seconds of one worker."""
        return sum(sum(part.cells) for part in self.parts)

    @property
    def train_s(self) -> float:
        """Wall time: trainings are given to workers as these come free, the longest first."""
        return makespan(
            sorted((cell for part in self.parts for cell in part.cells), reverse=True), self.request.workers
        )


def suite_forecast(request: SuiteRequest, cards: Mapping[str, Card]) -> SuiteForecast:
    """The plan of a suite.

    Args:
        request: what and where.
        cards: of the upstreams, in the order in which they are told.

    Raises:
        HarnessError: no such suite, or a card without sizes.
    """
    suite = read_suite(request.suite)
    found = tuple(_part(suite, request, _sized(card)) for card in cards.values())
    return SuiteForecast(suite=suite, request=request, parts=found)


def _sized(card: Card) -> Cost:
    cost = cost_of(presented(card))
    if cost.dim < 1 or cost.layers < 1:
        raise ConfigError(
            f"{card.name} does not say how wide its features are",
            got="dim 0, known once it is loaded",
            wanted="a card that states dim and layers",
            next_step=f"upstream.dim=..., or leave {card.name} out",
        )
    return cost


def _part(suite: Suite, request: SuiteRequest, cost: Cost) -> Part:
    sizes = suite.sizes()
    flop = sum(size.utterances * cost.flop(size.clip_s) for size in sizes)
    core_s = sum(size.utterances * cost.core_s([size.clip_s]) for size in sizes) if cost.by_time else 0.0
    heads = [(size.folds, _head_flop(suite.head, cost, size)) for size in sizes]
    cells = [flop_of / request.core_rate for folds, flop_of in heads for _ in range(folds)]
    means = sum(size.utterances * cost.stored_bytes(size.clip_s) for size in sizes)
    whole = sum(size.utterances * cost.stored_bytes(size.clip_s, suite.head.layers) for size in sizes)
    return Part(
        cost=cost,
        audio_s=sum(size.hours for size in sizes) * 3600,
        flop=flop,
        core_s=core_s,
        extract_s=core_s / request.threads + flop / request.flop_per_s,
        head_flop=sum(folds * flop_of for folds, flop_of in heads),
        cells=tuple(sorted(cells, reverse=True)),
        means_bytes=means,
        frames_bytes=whole - means,
    )


def _head_flop(head: SuiteHead, cost: Cost, size: CorpusSize) -> float:
    """Of one training: every epoch goes forward and back over what trains, and forward over what is watched."""
    frames = size.utterances * cost.frames(size.clip_s) * size.trains
    weights = cost.dim * head.hidden_dim
    each = (1 - DEV_SHARE) * (FORWARD + BACKWARD) + DEV_SHARE * FORWARD
    return head.epochs * frames * weights * each
