"""Every cross-corpus run that is recorded, on one page, with the command that gives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import record as records
from harness.board import markdown, view_name, was_corrected
from harness.cross._table import shortcut_of, with_interval
from harness.paths import write_text
from harness.record import Record

if TYPE_CHECKING:
    import pandas as pd

PAGE = "CROSS.md"
HEAD = """# Cross-corpus

Written by `python -m harness cross` from the records; do not edit. All of the tested corpus is tested, over the
labels that all corpora of a run have; a share of the speakers who train selects. Percent, with 95 % intervals over
the tested speakers. `zscore` and `estimated` read the tested audio, without labels, before they predict it.
"""
COMMANDS = """## Commands

`DIR` is where your copy of a corpus lies; weights are found by `EMOHARNESS_WEIGHTS=DIR` or `paths.NAME=DIR`. What
is recorded is not run again.
"""
ORDER = ("none", "zscore", "uniform", "estimated")
"""Settings of both switches, from nothing to most."""
SAID_ALREADY = (
    "train",
    "corpus",
    "upstream",
    "speakers",
    "prior",
    "track",
    "force",
    "device",
    "batch_seconds",
)
"""Overrides that the command's own words say, or that change no number."""


def write_overview(results: Path) -> str:
    """Write `CROSS.md` into a results folder; returns it, empty where no run crosses corpora."""
    found = [record for record in records.load_all(results) if record.corpus.get("trained_on")]
    if not found:
        return ""
    ordered = sorted(found, key=_order)
    text = "\n".join([HEAD, markdown(_table(ordered)), "", COMMANDS, *_commands(ordered), ""])
    write_text(results / PAGE, text)
    return text


def _order(record: Record) -> tuple[str, ...]:
    place = "".join(str(ORDER.index(value)) for value in _switches(record))
    return (record.recipe, record.upstream["name"], record.head["name"], place, record.stem)


def _switches(record: Record) -> tuple[str, str]:
    return record.adapted.get("speakers", "none"), record.adapted.get("prior", "none")


def _table(found: Sequence[Record]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([_line(record) for record in found])


def _line(record: Record) -> dict[str, str]:
    speakers, prior = _switches(record)
    metrics = [name for name in ("ua", "wa", "wf1") if name in record.scores["metrics"]]
    figures = {name.upper(): with_interval(record, name) for name in metrics or record.scores["metrics"]}
    return {
        "direction": record.recipe,
        "upstream": record.upstream["name"],
        "head": record.head["name"],
        "view": view_name(record.view),
        "speakers": speakers,
        "prior": prior if prior == "none" or was_corrected(record) else f"{prior} (left uncorrected)",
        "labels": str(len(record.task["classes"])),
        "tested": f"{record.scores['examples']} of {record.scores['speakers']} speakers",
        **figures,
        "best shortcut (UA)": shortcut_of(record),
    }


def _commands(found: Sequence[Record]) -> Iterator[str]:
    """One command for all runs of an upstream with the same settings, over their directions and switches."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in found:
        other = [word for word in record.overrides if _key(word) not in SAID_ALREADY]
        groups.setdefault((record.upstream["name"], *other), []).append(record)
    for (upstream, *other), records_of in groups.items():
        yield f"    python -m harness cross {' '.join([*_words(records_of), f'upstream={upstream}', *other])}"


def _key(word: str) -> str:
    return word.lstrip("+").partition("=")[0]


def _words(group: Sequence[Record]) -> Iterator[str]:
    """Directions, roots and switches of these records."""
    yield f"pairs=[{','.join(dict.fromkeys(record.recipe for record in group))}]"
    names = [facts["name"] for record in group for facts in (*record.corpus["trained_on"], record.corpus)]
    yield from (f"roots.{name}=DIR" for name in dict.fromkeys(names))
    chosen = zip(("speakers", "prior"), zip(*map(_switches, group), strict=True), strict=True)
    for name, values in chosen:
        told = [value for value in ORDER if value in values]
        if told != ["none"]:
            yield f"{name}={','.join(told)}"
