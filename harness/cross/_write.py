"""A sweep as Markdown for people, CSV for programs, and a heat map."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.board import markdown
from harness.cross._overview import write_overview
from harness.cross._request import Request
from harness.cross._story import Crossing, Row
from harness.cross._table import (
    Block,
    blocks,
    long_table,
    matrix,
    matrix_table,
    metrics_of,
    names_of,
    numbers,
)
from harness.paths import write_text
from harness.plots import matrix_figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NO_SHAPE = (
    "results", "force", "track", "device", "engine", "batch_seconds", "resamples", "store", "scale",
)  # fmt: skip
"""Settings, and groups of them, that do not change which figures a sweep is about."""
NAME_LENGTH = 60
"""Longer names of files are cut, and end in a hash of the whole."""


def write_crossing(crossing: Crossing, results: Path) -> str:
    """Write `cross/<corpora>--<upstreams>` as `.md`, `.csv`, `_matrix.csv` and pictures; returns the Markdown.

    All hold scores and counts, no ids of utterances. `CROSS.md` beside the leaderboard is brought up to date.
    """
    folder, stem = results / "cross", stem_of(crossing.request)
    for block in _pictured(crossing):
        save(_figure(block, metrics_of(crossing.rows)[0]), folder / f"{stem}--{_slug(block)}.png")
    text = crossing_text(crossing, stem)
    write_text(folder / f"{stem}.md", text)
    write_text(folder / f"{stem}.csv", long_table(crossing.rows).to_csv(index=False, lineterminator="\n"))
    table = matrix_table(crossing.rows)
    write_text(folder / f"{stem}_matrix.csv", table.to_csv(index=False, lineterminator="\n"))
    write_overview(results)
    return text


def stem_of(request: Request) -> str:
    """The file name of a sweep: its corpora and upstreams, and a hash of whatever else shapes its numbers."""
    directions = request.corpora if _is_square(request) else [pair.name for pair in request.pairs]
    name = f"{'-'.join(directions)}--{'-'.join(request.upstreams)}"
    shaping = sorted(word for word in request.words if _group(word) not in NO_SHAPE)
    digest = hashlib.sha256("\n".join([name, *shaping]).encode()).hexdigest()[:8]
    return name if len(name) <= NAME_LENGTH and not shaping else f"{name[:NAME_LENGTH]}--{digest}"


def _group(word: str) -> str:
    """What a setting belongs to: `scale.workers=2` to `scale`."""
    return word.partition("=")[0].partition(".")[0]


def _is_square(request: Request) -> bool:
    return len(request.pairs) == len(request.corpora) * (len(request.corpora) - 1)


def crossing_text(crossing: Crossing, stem: str) -> str:
    """Title, notes, one matrix per upstream, switches and metric, what is not in them."""
    sections = [line for block in blocks(crossing.rows) for line in _section(block, crossing, stem)]
    return "\n".join([*_head(crossing), *sections, *_left_out(crossing), ""])


def _head(crossing: Crossing) -> Iterator[str]:
    request, record = crossing.request, crossing.rows[0].record
    yield f"# Cross-corpus: {', '.join(request.corpora)}"
    yield ""
    yield (
        "Written by `python -m harness cross`; do not edit. Rows trained on, columns tested on; percent where "
        "the metric is a share, 95 % intervals over the tested speakers in brackets. All of a tested corpus is "
        "tested; a share of the speakers who train selects."
    )
    head = f"Head: {record.head['name']}, view {record.view['kind']}, {len(record.seeds)} seed(s)."
    diagonal = f" Diagonal: {request.within}, within the corpus." if request.within else ""
    yield f"{head}{diagonal}"
    yield ""
    for row in _first_of_each(crossing.rows):
        yield f"- {row.record.recipe}: {_corpora_told(row)}"
    yield ""


def _first_of_each(rows: Sequence[Row]) -> list[Row]:
    firsts = {(row.trained_on, row.test): row for row in reversed(rows) if (row.trained_on,) != (row.test,)}
    return list(reversed(firsts.values()))


def _corpora_told(row: Row) -> str:
    """What a direction is over: its labels, and what every corpus gives and leaves out."""
    corpus = row.record.corpus
    told = [f"{len(row.record.task['classes'])} labels ({', '.join(row.record.task['classes'])})"]
    for facts in (*corpus["trained_on"], corpus):
        unused = sum(facts["left_out"].values())
        told.append(f"{facts['name']} {facts['examples']} utterances, {unused} left out")
    return "; ".join(told)


def _section(block: Block, crossing: Crossing, stem: str) -> Iterator[str]:
    yield f"## {block.upstream}, {block.switches}"
    yield ""
    for metric in metrics_of(crossing.rows):
        yield f"{metric.upper()}:"
        yield ""
        yield markdown(matrix(block, metric))
        yield ""
    if block in _pictured(crossing):
        yield f"![{block.upstream}, {block.switches}]({stem}--{_slug(block)}.png)"
        yield ""
    yield from (f"- {text}" for text in _said(block))
    yield ""


def _said(block: Block) -> Iterator[str]:
    """What the runs between corpora have to say aloud: once what all say, else with the direction."""
    between = [row.record for row in block.rows if row.record.corpus.get("trained_on")]
    notes = dict.fromkeys(note for record in between for note in record.notes if not _is_about_labels(note))
    for note in notes:
        saying = [record.recipe for record in between if note in record.notes]
        yield note if len(saying) == len(between) else f"{', '.join(saying)}: {note}"


def _is_about_labels(note: str) -> bool:
    """Told in the head already."""
    return "shared labels:" in note or note.startswith("left out of ")


def _left_out(crossing: Crossing) -> Iterator[str]:
    if crossing.left_out:
        yield "## Not in the tables"
        yield ""
        yield from (f"- {name}: {reason}" for name, reason in crossing.left_out)


def _slug(block: Block) -> str:
    """`egemaps`, `egemaps-zscore-uniform`."""
    on = [value for value in block.rows[0].switches if value != "none"]
    return "-".join([block.upstream, *on])


def _pictured(crossing: Crossing) -> list[Block]:
    """One matrix per upstream: that of the setting of the switches that was named first."""
    found = blocks(crossing.rows)
    return [block for block in found if block.switches == found[0].switches]


def _figure(block: Block, metric: str) -> Figure:
    trained, tested = names_of(block)
    values = [list(numbers(block, metric, one, tested).values()) for one in trained]
    title = [f"Cross-corpus {metric.upper()}: {block.upstream}, {block.switches}"]
    if any(row.record.corpus["synthetic"] for row in block.rows):
        title.insert(0, "SYNTHETIC AUDIO")
    return matrix_figure(values, trained, tested, metric.upper(), title)
