"""What a plan consists of before it is text: lines of arithmetic, sizes, and where each figure comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Basis = Literal["measured", "assumed", "card", "counted"]
"""Where a figure comes from: a measurement just now, a constant, the card's arithmetic, the disk."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One stage, or one part of it."""

    stage: str
    arithmetic: str
    seconds: float | None
    """None where nobody can say."""
    basis: Basis


@dataclass(frozen=True, kw_only=True)
class Size:
    """Bytes of something, in memory or on disk."""

    what: str
    arithmetic: str
    bytes: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """A whole plan."""

    title: str
    todo: tuple[Line, ...]
    """What there is to do; the seconds are of audio."""
    times: tuple[Line, ...]
    memory: tuple[Size, ...]
    memory_there: float
    disk: tuple[Size, ...]
    disk_there: float
    notes: tuple[str, ...] = field(default=())

    @property
    def seconds(self) -> float:
        """Expected wall time of the whole run, of what can be said."""
        return sum(line.seconds or 0.0 for line in self.times)

    def of_stage(self, stage: str) -> float:
        """Expected wall time of a stage."""
        return sum(line.seconds or 0.0 for line in self.times if line.stage == stage)
