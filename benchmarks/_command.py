"""The command line: which sections, how often, where to; then one section after the other."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import _machine, _report
from benchmarks._cell import Scope, Size
from benchmarks._measure import ROOT, CellError, measure, run_cell
from benchmarks._progress import Progress
from harness import record

EXAMPLES = f"""sections: {" ".join(_report.ORDER)} (all of them, unless some are named)

examples
  python -m benchmarks                            everything; results/BENCHMARKS.md and results/benchmarks.json
  python -m benchmarks extraction heads           two sections; the others keep what was measured before
  python -m benchmarks --quick                    a small version in minutes: shows that it works, writes nothing
  python -m benchmarks heads --full               trainings whole instead of a share (hours)
  python -m benchmarks --readme                   put the table of results/benchmarks.json into README.md
  python benchmarks/audit.py; python benchmarks/pretraining.py tiny 1    what listening and pre-training cost"""


def parser() -> argparse.ArgumentParser:
    """All options."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="What the harness costs beside what it replaces, and beside what this machine can do.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("sections", nargs="*", choices=[[], *_report.ORDER], default=[], metavar="section")
    size = made.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small sizes, one repetition; nothing is written")
    size.add_argument("--full", action="store_true", help="trainings of heads whole, not a share of them")
    made.add_argument("--repetitions", type=_count, help="of every variant (3; 1 with --quick)")
    made.add_argument("--results", type=Path, help="folder of the report (results; none with --quick)")
    made.add_argument("--work", type=Path, help="folder for temporary files, some GiB (the system's own)")
    made.add_argument("--readme", action="store_true", help="measure nothing, refresh the table in README.md")
    return made


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def main(words: Sequence[str]) -> int:
    """Carry out one command; the exit code."""
    options = parser().parse_args(words)
    results = options.results or ROOT / "results"
    if options.readme:
        return _refresh(results)
    repetitions = options.repetitions or (1 if options.quick else 3)
    command = "python -m benchmarks" + "".join(f" {word}" for word in words if not _is_path(word, options))
    fresh: dict[str, _report.Section] = {}
    for name in options.sections or _report.ORDER:
        try:
            fresh[name] = measured_section(name, options, repetitions, command)
        except CellError as fault:
            sys.stderr.write(f"benchmarks: {name} could not be prepared: {fault}\n")
            return 1
        print(f"\n## {fresh[name]['title']}\n\n{_report.full_table(fresh[name])}\n", flush=True)
        if options.results or not options.quick:
            _report.write(results, {name: fresh[name]})
    print(f"## Summary\n\n{_report.summary(fresh)}")
    return 0


def _is_path(word: str, options: argparse.Namespace) -> bool:
    """Places on this machine are no part of a report."""
    places = [str(place) for place in (options.results, options.work) if place]
    return word in (*places, "--results", "--work") or word.startswith(("--results=", "--work="))


def _refresh(results: Path) -> int:
    try:
        _report.write(results, {})
        _report.refresh_readme(ROOT / "README.md", results)
    except ValueError as fault:
        sys.stderr.write(f"benchmarks: {fault}\n")
        return 2
    return 0


def section_module(name: str) -> ModuleType:
    """The file of a section."""
    return importlib.import_module(f"benchmarks.{name}")


def measured_section(
    name: str, options: argparse.Namespace, repetitions: int, command: str
) -> dict[str, Any]:
    """Prepare, measure and compare one section."""
    module = section_module(name)
    size: Size = "quick" if options.quick else "full" if options.full else "default"
    before = _machine.load()
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=options.work) as folder:
        scope = Scope(folder=Path(folder), size=size, cores=os.cpu_count() or 1)
        environment = {
            "EMOHARNESS_CACHE": str(scope.folder / "cache"),
            "HF_HUB_OFFLINE": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # as on most machines: what was compiled once is there
        }
        for cell in module.preparations(scope):
            sys.stderr.write(f"{name}: preparing {cell.name}\n")
            run_cell(cell, environment)
        cells = module.cells(scope)
        told = Progress(name, cells, repetitions).told
        measured = measure(cells, repetitions, told, environment)
    return {
        "title": module.TITLE,
        "about": module.ABOUT,
        "synthetic": module.SYNTHETIC,
        "command": command,
        "size": size,
        "repetitions": repetitions,
        "machine": _machine.facts(),
        "load": [before, _machine.load()],
        "created": record.now(),
        "figures": [figure._asdict() for figure in module.figures(measured)],
        "measured": measured,
    }
