"""A swept table as Markdown for people and CSV for programs: the paper's rows, and ours beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.board import markdown, read_published
from harness.paths import write_text
from harness.sweep._config import Table
from harness.sweep._outcome import Outcome, outcomes
from harness.sweep._table import METRICS, Line, frame_of, lines

if TYPE_CHECKING:
    import pandas as pd


def write_table(table: Table, results: Path, since: str) -> str:
    """Write `ablations/<table>.md` and `.csv` below a results folder.

    Both hold a section for every set of settings that the table was ever swept under.

    Args:
        table: of the paper.
        results: folder of records and cells.
        since: time in UTC, as `harness.sweep._outcome.now` gives it.

    Returns:
        The Markdown of the sections with a cell that was done or found done since then; empty without one.

    Raises:
        HarnessError: a cell or a record is damaged.
    """
    import pandas as pd

    groups: dict[str, list[Outcome]] = {}
    for outcome in sorted(outcomes(results, table.name), key=lambda one: one.written):
        groups.setdefault(outcome.setting_key, []).append(outcome)
    published = read_published(results)
    frames, sections, asked = [], [], []
    for key, found in groups.items():
        shown = lines(table, found, results)
        frame = frame_of(table, shown, published)
        frames.append(frame.assign(settings=key))
        sections.append("\n".join(_section(table, found[0].setting, shown, frame)))
        if any(one.written >= since for one in found):
            asked.append(sections[-1])
    if frames:
        stem = results / "ablations" / table.name
        write_text(stem.with_suffix(".md"), "\n".join([*_head(table), *sections]))
        write_text(stem.with_suffix(".csv"), pd.concat(frames).to_csv(index=False, lineterminator="\n"))
    return "\n".join([*_head(table), *asked]) if asked else ""


def _head(table: Table) -> Iterator[str]:
    yield f"# Table {table.number}: {table.about}"
    yield ""
    yield (
        "Written by `python -m harness sweep`; do not edit. Percent. Published figures are the paper's, as "
        "printed, never ours. Ours are means of the folds with 95 % intervals over speakers; losses are the last "
        "ones of the pre-training."
    )
    yield ""


def _section(
    table: Table, setting: Mapping[str, Any], shown: Sequence[Line], frame: pd.DataFrame
) -> Iterator[str]:
    yield f"## {_title(setting, shown)}"
    yield ""
    why = list(_not_comparable(setting, shown))
    if why:
        yield f"**NOT COMPARABLE WITH THE PUBLISHED COLUMNS: {'; '.join(why)}.**"
        yield ""
    yield markdown(_shown(table, frame))
    yield ""
    yield from (f"- {note}" for note in _notes(shown))
    yield ""


def _title(setting: Mapping[str, Any], shown: Sequence[Line]) -> str:
    heard = ", ".join([*setting["corpora"], *setting["audio"]])
    recipes = {f"{line.record.recipe} on {line.record.corpus['name']}" for line in shown if line.record}
    evaluated = f"evaluated by {', '.join(sorted(recipes))}" if recipes else "not evaluated yet"
    return f"size {setting['size']}, pre-trained on {heard}, {evaluated}, seed {setting['seed']}"


def _not_comparable(setting: Mapping[str, Any], shown: Sequence[Line]) -> Iterator[str]:
    """Everything that stands between these rows and the paper's."""
    models = [line.outcome.pretrained for line in shown if line.outcome and line.outcome.pretrained]
    if not setting["comparable"]:
        parameters = max((model["parameters"] for model in models), default=0)
        yield f"size {setting['size']}, {parameters / 1e6:.2f} million parameters"
    hours = max((model["hours"] for model in models), default=0.0)
    heard = [*setting["corpora"], *setting["audio"]]
    if sorted(heard) != sorted(PAPER_CORPORA):
        yield f"pre-trained on {hours:.2f} h of {', '.join(heard)}, not on the paper's 262 h"
    first = next((line.record for line in shown if line.record), None)
    if first is not None and (first.corpus["name"], first.recipe) != PAPER_EVALUATION:
        yield f"evaluated on {first.corpus['title']} by {first.recipe}, not on IEMOCAP"
    if any(model.get("stand_in") for model in models):
        yield "rows start from stand-ins, not from the published checkpoints"


PAPER_CORPORA = ("iemocap", "meld", "mead", "mosei", "msppodcast")
PAPER_EVALUATION = ("iemocap", "iemocap_5fold")


def _shown(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that people read: figures with their intervals, the printed ones under a name that says so."""
    import pandas as pd

    titles = list(dict.fromkeys(name for row in table.rows.values() for name in row.cells))
    return pd.DataFrame([_shown_line(line, titles) for line in frame.to_dict("records")])


def _shown_line(line: Mapping[Any, Any], titles: Sequence[str]) -> dict[str, Any]:
    printed = {f"{name.upper()} (published)": line[f"published {name.upper()}"] for name in METRICS}
    ours = {f"{name.upper()} (ours)": _with_interval(line, name.upper()) for name in METRICS}
    losses = {name: line[name] for name in ("frame loss", "utterance loss", "utterance target (RMS)")}
    return {
        **{title: line.get(title, "") for title in titles},
        **printed,
        **ours,
        **losses,
        "remark": line["remark"],
    }


def _with_interval(line: Mapping[Any, Any], name: str) -> str:
    if not _is_number(line[name]):
        return ""
    interval = f" ({line[f'{name} low']:.1f} to {line[f'{name} high']:.1f})"
    return f"{line[name]:.2f}{interval if _is_number(line[f'{name} low']) else ''}"


def _is_number(value: float) -> bool:
    return value == value  # noqa: PLR0124  NaN means there is none


def _notes(shown: Sequence[Line]) -> list[str]:
    """What every evaluation has to say aloud, each once."""
    notes = [note for line in shown if line.record for note in line.record.notes]
    told = dict.fromkeys(_without_name(note, shown) for note in notes)
    return [*told, *_target_note(shown)]


def _without_name(note: str, shown: Sequence[Line]) -> str:
    """A note about a model, said of all models of the table at once."""
    for line in shown:
        name = line.outcome.pretrained.get("name") if line.outcome else None
        if name:
            note = note.replace(name, "the model")
    return note


def _target_note(shown: Sequence[Line]) -> Iterator[str]:
    """Why rows that differ in the utterance loss alone may be the same within chance."""
    if any("raw" in cell for line in shown for cell in line.row.cells.values()):
        yield (
            "as released, the utterance target is the mean over time of instance-normed targets, which is zero: "
            "the loss pulls tokens to nothing; rows with the raw mean give it the target of the paper's equation"
        )
