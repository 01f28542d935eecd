"""A diagnosis for people: text for a terminal, Markdown for a page, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.doctor._tables import (
    Table,
    balance_table,
    clean_table,
    overlap_table,
    pair_table,
    shift_table,
)
from harness.doctor.clean import Cleaned
from harness.doctor.diagnosis import Diagnosis
from harness.paths import write_text

SCHEMA = 1
FEW_FOLDS = 12
"""Up to this many, the terminal shows classes and shifts per fold too; the page always does."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One audit: what was examined and what came out."""

    recipe: str
    about: str
    corpus_title: str
    examples: int
    diagnosis: Diagnosis
    cleaned: tuple[Cleaned, ...]
    """One per stored run on these folds."""
    notes: tuple[str, ...]
    """What else a reader has to know."""

    @property
    def stem(self) -> str:
        """File name without ending: recipe, corpus, the start of the fingerprint, and whether anybody listened."""
        digest = self.diagnosis.fingerprint.rpartition(":")[2][:12]
        heard = "" if "exact_audio" not in self.diagnosis.not_examined else "--names"
        return f"{self.recipe}--{digest}{heard}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "schema": SCHEMA,
            "recipe": self.recipe,
            "about": self.about,
            "corpus_title": self.corpus_title,
            "examples": self.examples,
            "notes": list(self.notes),
            "diagnosis": self.diagnosis.to_dict(),
            "score_minus_leak": [asdict(one) for one in self.cleaned],
        }


def terminal(report: Report) -> str:
    """The report as text with aligned columns."""
    tables = [overlap_table(report.diagnosis)]
    if len(report.diagnosis.folds) <= FEW_FOLDS:
        tables += [balance_table(report.diagnosis), shift_table(report.diagnosis)]
    tables += [clean_table(one) for one in report.cleaned]
    blocks = ["\n".join(_head(report))]
    blocks += ["\n".join([table.title, *_aligned(table), f"({table.legend})"]) for table in tables]
    return "\n\n".join(blocks)


def markdown(report: Report) -> str:
    """The report as a page."""
    title, *head = _head(report)
    diagnosis = report.diagnosis
    tables = [
        overlap_table(diagnosis),
        pair_table(diagnosis),
        balance_table(diagnosis),
        shift_table(diagnosis),
    ]
    tables += [clean_table(one) for one in report.cleaned]
    blocks = [f"# {title}", "\n".join(f"- {line.strip()}" for line in head)]
    blocks += [f"## {table.title}\n\n{table.legend}\n\n{_piped(table)}" for table in tables]
    return "\n\n".join(blocks) + "\n"


def write(report: Report, results: Path) -> tuple[Path, Path]:
    """Write `audits/<recipe>--<fingerprint>.json` and `.md` under the results folder, each whole or not at all."""
    places = tuple(results / "audits" / f"{report.stem}{ending}" for ending in (".json", ".md"))
    write_text(places[0], json.dumps(report.to_dict(), indent=1) + "\n")
    write_text(places[1], markdown(report))
    return places[0], places[1]


def _head(report: Report) -> Iterator[str]:
    diagnosis = report.diagnosis
    yield f"Audit of {report.recipe}: {report.corpus_title}, {report.examples} examples"
    yield report.about
    yield (
        f"{len(diagnosis.folds)} fold(s), {diagnosis.fingerprint[:24]}, selected by "
        f"{ {'dev': 'the dev part', 'test': 'the TEST part', 'last': 'nothing'}[diagnosis.select] }"
    )
    if diagnosis.shares_speakers_as:
        yield f"speakers are shared as in {diagnosis.shares_speakers_as}"
    yield f"grade {diagnosis.grade}, that of the worst fold ({_letters(diagnosis)})"
    yield from (f"  {reason.letter}: {reason.text}" for reason in diagnosis.grade.reasons)
    if not diagnosis.grade.reasons:
        yield "  A: nothing is shared, and everything was examined"
    told = {reason.kind for reason in diagnosis.grade.reasons}
    blind = {kind: why for kind, why in diagnosis.not_examined.items() if kind not in told}
    yield from (f"  -: {kind.heading} not examined, {why}" for kind, why in blind.items())
    yield from (f"note: {note}" for note in (*report.notes, *diagnosis.warnings))


def _letters(diagnosis: Diagnosis) -> str:
    letters = [fold.grade.letter for fold in diagnosis.folds]
    return ", ".join(f"{letters.count(letter)} x {letter}" for letter in sorted(set(letters)))


def _aligned(table: Table) -> Iterator[str]:
    lines = [table.head, *table.rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.head))]
    for line in lines:
        yield "  ".join(_padded(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _padded(cell: str, width: int) -> str:
    """Numbers to the right, words to the left."""
    return cell.rjust(width) if cell.isdigit() else cell.ljust(width)


def _piped(table: Table) -> str:
    lines: Sequence[Sequence[str]] = [table.head, ["---"] * len(table.head), *table.rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
