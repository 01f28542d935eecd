"""What is measured: a function, its settings, and how many processes of how many threads work on it at once.

The function takes its settings and prepares (loads a model, opens files); what it returns is called without
arguments and timed. It returns figures by name. Where several processes share the work, figures are added up,
but for names that begin with `max_` or `peak_`, of which the highest counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

Values: TypeAlias = dict[str, Any]
"""Figures of one repetition, by name."""
Size: TypeAlias = Literal["quick", "default", "full"]
Measured: TypeAlias = Mapping[str, list[Values]]
"""Cell name -> one entry per repetition; one that failed holds `failed`, the reason."""


class Afterwards(NamedTuple):
    """Figures, and a check that is made when the clock has stopped."""

    values: Values
    check: Callable[[], Values]


Work: TypeAlias = Callable[[], Values | Afterwards]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One variant of a section."""

    name: str
    target: str
    """`module:function` inside `benchmarks`."""
    settings: dict[str, Any] = field(default_factory=dict)
    """JSON; the function is also told `repetition`, `threads`, `share` (its number) and `shares` (of how many)."""
    threads: int = 1
    processes: int = 1
    repetitions: int | None = None
    """At most so many; None: as many as the command says."""
    limit_s: float = 3600.0
    """A variant that takes longer is stopped and reported as not done."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """How large a section is measured, and where it may keep its files."""

    folder: Path
    size: Size
    cores: int

    def pick(self, quick: Any, default: Any, full: Any = None) -> Any:  # noqa: ANN401  sizes and lists alike
        """The setting of this size; `full` is `default` unless it is given."""
        return {"quick": quick, "default": default, "full": default if full is None else full}[self.size]


def joined(results: list[Values]) -> Values:
    """What several processes did together."""
    return {name: _joined(name, [result[name] for result in results]) for name in results[0]}


def _joined(name: str, values: list[Any]) -> Any:  # noqa: ANN401  JSON
    if name == "wall_s" or name.startswith(("max_", "peak_")):
        return max(values)
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return sum(values)
    return values[0]
