"""A plan as text: what there is to do, the arithmetic of every stage, memory and disk, and what is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.forecast._lines import Forecast, Line, Size

GIB = 1024.0**3
_WORDS = {
    "measured": "measured just now on this machine",
    "assumed": "assumed: a constant",
    "card": "from the card's arithmetic and a stated rate, not measured",
    "counted": "counted on disk",
}


def text_of(forecast: Forecast) -> str:
    """Plain lines, aligned; the same forecast gives the same text."""
    blocks = [
        [forecast.title],
        ["to do", *_todo(forecast.todo)],
        [f"expected time: {clock(forecast.seconds)}{_unknown(forecast)}", *_times(forecast.times)],
        [f"memory ({_bytes(forecast.memory_there)} free)", *_sizes(forecast.memory)],
        [f"disk ({_bytes(forecast.disk_there)} free)", *_sizes(forecast.disk)],
        ["where the figures come from", *_bases(forecast.times)],
    ]
    notes = [f"note: {note}" for note in (*forecast.notes, *_warnings(forecast))]
    return "\n\n".join("\n".join(block) for block in [*blocks, notes] if block)


def _todo(lines: Sequence[Line]) -> Iterator[str]:
    width = max(len(line.stage) for line in lines)
    yield from (f"  {line.stage:<{width}}  {line.arithmetic}" for line in lines)


def _times(lines: Sequence[Line]) -> Iterator[str]:
    stage = max(len(line.stage) for line in lines)
    said = max(len(line.arithmetic) for line in lines)
    for line in lines:
        shown = "unknown" if line.seconds is None else f"{line.seconds:,.1f} s"
        yield f"  {line.stage:<{stage}}  {line.arithmetic:<{said}}  {shown:>11}  {line.basis}"


def _sizes(sizes: Sequence[Size]) -> Iterator[str]:
    if not sizes:
        yield "  nothing"
        return
    what = max(len(size.what) for size in sizes)
    for size in sizes:
        yield f"  {size.what:<{what}}  {_bytes(size.bytes):>9}  {size.arithmetic}"


def _bases(lines: Sequence[Line]) -> Iterator[str]:
    for basis, words in _WORDS.items():
        stages = dict.fromkeys(line.stage for line in lines if line.basis == basis)
        if stages:
            yield f"  {basis:<8}  {words}: {', '.join(stages)}"


def _unknown(forecast: Forecast) -> str:
    open_ended = dict.fromkeys(line.stage for line in forecast.times if line.seconds is None)
    return f", without {', '.join(open_ended)}" if open_ended else ""


def _warnings(forecast: Forecast) -> Iterator[str]:
    need = max((size.bytes for size in forecast.memory if size.what == "all workers"), default=0.0)
    if need > forecast.memory_there:
        yield "the workers need more memory than is free: lower scale.workers"
    if sum(size.bytes for size in forecast.disk) > forecast.disk_there:
        yield "the disk is too small: set EMOHARNESS_CACHE to another one, or store="


def clock(seconds: float) -> str:
    """A duration in the two largest units.

    >>> clock(3.21), clock(125), clock(7300), clock(200_000)
    ('3.2 s', '2 min 5 s', '2 h 2 min', '2 d 8 h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        minutes, rest_s = divmod(round(seconds), 60)
        return f"{minutes} min {rest_s} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h"


def _bytes(count: float) -> str:
    for unit, size in (("TiB", 1024.0**4), ("GiB", GIB), ("MiB", 1024.0**2)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1024:.1f} KiB"
