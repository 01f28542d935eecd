"""One line of the report: what was measured, ours, what stands beside it, and how they compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """A row of a section's table."""

    what: str
    ours: str
    beside: str
    """What ours is compared with, and its own figure."""
    ratio: str
    """With the range of the repetitions."""
    aim: str = ""
    headline: bool = False
    """Whether it stands in the README."""

    def cells(self) -> tuple[str, str, str, str, str]:
        """What the table shows."""
        return self.what, self.ours, self.beside, self.ratio, self.aim


HEADER = ("what", "ours", "beside", "ratio", "aim")


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Markdown.

    >>> print(table([("a", "1|2")], ("x", "y")))
    | x | y |
    |---|---|
    | a | 1/2 |
    """
    lines = [header, *rows]
    cells = ["| " + " | ".join(str(cell).replace("|", "/") for cell in line) + " |" for line in lines]
    return "\n".join([cells[0], "|" + "---|" * len(header), *cells[1:]])


def seconds(value: float) -> str:
    """A duration in a unit that is read easily.

    >>> [seconds(value) for value in (0.0123, 4.56, 200, 9000)]
    ['12.3 ms', '4.56 s', '3.3 min', '2.5 h']
    """
    if value < 0.1:
        return f"{1e3 * value:.3g} ms"
    if value < 120:
        return f"{value:.3g} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"
