"""What was measured, as JSON for programs and Markdown for people; sections measured on other days are kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks._figure import HEADER, Figure, table
from harness.paths import write_text

SCHEMA = 1
JSON_NAME, MARKDOWN_NAME = "benchmarks.json", "BENCHMARKS.md"
MARKERS = ("<!-- benchmarks:begin (made by `python -m benchmarks --readme`) -->", "<!-- benchmarks:end -->")
ORDER = ("ceilings", "extraction", "heads", "store", "growth", "everything", "scaling", "gpu")

Section = Mapping[str, Any]


def read(folder: Path) -> dict[str, Section]:
    """Section name -> what was measured last; empty where nothing was."""
    path = folder / JSON_NAME
    if not path.exists():
        return {}
    found: dict[str, Section] = json.loads(path.read_text(encoding="utf-8"))["sections"]
    return found


def write(folder: Path, fresh: Mapping[str, Section]) -> None:
    """Put fresh sections over those of before, and make the Markdown anew."""
    together = {**read(folder), **fresh}
    ordered = {name: together[name] for name in ORDER if name in together}
    text = json.dumps({"schema": SCHEMA, "sections": ordered}, indent=1, ensure_ascii=False)
    write_text(folder / JSON_NAME, text + "\n")
    write_text(folder / MARKDOWN_NAME, markdown(ordered))


def figures(section: Section) -> list[Figure]:
    """Of a section as it was written down."""
    return [Figure(**row) for row in section["figures"]]


def markdown(sections: Mapping[str, Section]) -> str:
    """The whole report."""
    head = [
        "# Benchmarks",
        "",
        "Made by `python -m benchmarks`; every repetition is in [benchmarks.json](benchmarks.json). Variants of a",
        "section took turns, each repetition in a fresh process; a ratio is taken repetition by repetition, its",
        "median before its range. Absolute times depend on the machine and on who else works on it: the",
        "ratios, and the share of what the machine itself can do, are what carries over.",
    ]
    return "\n\n".join(["\n".join(head), *map(_chapter, sections.values())]) + "\n"


def _chapter(section: Section) -> str:
    facts = [f"`{section['command']}`", f"{section['repetitions']} repetitions", _machine(section)]
    parts = [f"## {section['title']}", section["about"], section["synthetic"], ", ".join(facts) + "."]
    return "\n\n".join([*(part for part in parts if part), full_table(section)])


def full_table(section: Section) -> str:
    """All figures of a section."""
    return table([figure.cells() for figure in figures(section)], HEADER)


def _machine(section: Section) -> str:
    machine = section["machine"]
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    return (
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, Python "
        f"{machine['python']}, {versions}, commit {machine['commit'][:10] or 'unknown'}, "
        f"load {section['load'][0]} before and {section['load'][1]} after, {section['created']}"
    )


def summary(sections: Mapping[str, Section]) -> str:
    """The headline figures of all sections as one table."""
    rows = [
        (name, *figure.cells())
        for name, section in sections.items()
        for figure in figures(section)
        if figure.headline
    ]
    return table(rows, ("section", *HEADER))


def readme_block(sections: Mapping[str, Section]) -> str:
    """What stands between the README's two markers."""
    machines = sorted(
        {f"{s['machine']['cores']} cores of {s['machine']['processor']}" for s in sections.values()}
    )
    said = [
        f"`python -m benchmarks` on {' and '.join(machines)};",
        "medians, in brackets the range of the repetitions, each in a fresh process, variants in turn. Audio,",
        "weights and features are SYNTHETIC. All figures:",
        "[results/BENCHMARKS.md](results/BENCHMARKS.md).",
    ]
    return "\n".join([MARKERS[0], *said, "", summary(sections), MARKERS[1]])


def refresh_readme(readme: Path, folder: Path) -> None:
    """Put the present table between the markers.

    Raises:
        ValueError: the README has no place for it.
    """
    text = readme.read_text(encoding="utf-8")
    if not all(marker in text for marker in MARKERS):
        raise ValueError(f"{readme.name} has no lines {' and '.join(MARKERS)} to put the table between")
    place = re.compile(re.escape(MARKERS[0]) + ".*?" + re.escape(MARKERS[1]), re.DOTALL)
    write_text(readme, place.sub(lambda _: readme_block(read(folder)), text))
