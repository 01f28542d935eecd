"""A translation as Markdown for people and CSV for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.board import markdown, read_published
from harness.paths import write_text
from harness.translate._story import Translation
from harness.translate._table import METRICS, comparisons, spread, table_of

if TYPE_CHECKING:
    import pandas as pd


def write_translation(translation: Translation, results: Path) -> str:
    """Write `translations/<corpus>--<upstream>.md` and `.csv` below a results folder; returns the Markdown.

    Both hold scores and counts, no ids of utterances, and may be shown like the board.
    """
    table = table_of(translation.rows, read_published(results))
    text = translation_text(translation, table)
    stem = results / "translations" / f"{translation.request.corpus}--{translation.request.upstream}"
    write_text(stem.with_name(f"{stem.name}.md"), text)
    write_text(stem.with_name(f"{stem.name}.csv"), table.to_csv(index=False, lineterminator="\n"))
    return text


def translation_text(translation: Translation, table: pd.DataFrame) -> str:
    """Title, table, spread, what must not be compared, and the protocols without a row."""
    return "\n".join([*_head(translation), markdown(_shown(table)), "", *_said(translation), ""])


def _head(translation: Translation) -> Iterator[str]:
    request = translation.request
    record = translation.rows[0].record
    yield f"# {request.upstream} on {record.corpus['title']}, protocol by protocol"
    yield ""
    yield (
        "Written by `python -m harness translate`; do not edit. Percent, means of the folds, 95 % intervals over "
        "speakers. Published numbers are others', as printed, never ours."
    )
    head = "each recipe's own" if request.own_heads else f"{record.head['name']}, view {record.view['kind']}"
    yield f"Features: {record.upstream['name']}, extracted once. Head: {head}."
    for note in _notes(translation):
        yield f"Note: {note}"
    yield ""


def _notes(translation: Translation) -> list[str]:
    """What all rows have to say aloud; what only some say stands in their records."""
    notes = [row.record.notes for row in translation.rows]
    return [note for note in notes[0] if all(note in others for others in notes)]


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that people read: figures with their intervals, folds and classes in a few words."""
    import pandas as pd

    return pd.DataFrame([_shown_line(line) for line in table.to_dict("records")])


def _shown_line(line: dict[Any, Any]) -> dict[str, str]:
    shown = {name: str(line[name]) for name in ("row", "protocol")}
    shown["tested"] = (
        f"{line['folds']} fold{'s' if line['folds'] > 1 else ''}, {line['tested']} utterances, "
        f"{line['speakers per fold']} speaker{'' if line['speakers per fold'] == '1' else 's'} a fold, "
        f"{line['classes']} classes"
    )
    shown |= {name: str(line[name]) for name in ("speakers shared", "selected by", "head")}
    shown |= {name.upper(): _with_interval(line, name.upper()) for name in METRICS}
    shown["best shortcut (UA)"] = line["best shortcut (UA)"]
    shown["published (not ours)"] = _printed(line)
    shown["fingerprint"] = line["fingerprint"].rpartition(":")[2][:12]
    return shown


def _with_interval(line: dict[Any, Any], name: str) -> str:
    if not _is_number(line[name]):
        return ""
    interval = f" ({line[f'{name} low']:.1f} to {line[f'{name} high']:.1f})"
    return f"{line[name]:.2f}{interval if _is_number(line[f'{name} low']) else ''}"


def _printed(line: dict[Any, Any]) -> str:
    figures = [(name.upper(), line[f"published {name.upper()}"]) for name in METRICS]
    told = ", ".join(f"{name} {value:.2f}" for name, value in figures if _is_number(value))
    return f"{told} ({line['published in']})" if told else ""


def _is_number(value: float) -> bool:
    return value == value  # noqa: PLR0124  NaN means there is none


def _said(translation: Translation) -> Iterator[str]:
    yield spread(translation.rows)
    yield ""
    yield from (f"- {text}" for text in comparisons(translation.rows))
    if translation.left_out:
        yield ""
        yield "Not in the table:"
        yield ""
        yield from (f"- {recipe}: {reason}" for recipe, reason in translation.left_out)
