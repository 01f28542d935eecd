"""The board as Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import record as records
from harness.board._costs import cost_table
from harness.board._figures import by_kind, decimals
from harness.board._published import read_published
from harness.board._rows import board_table
from harness.board._shortcuts import shortcut_table
from harness.errors import ConfigError
from harness.paths import write_text

if TYPE_CHECKING:
    import pandas as pd

NOT_SHORT = (
    "recipe",
    "corpus",
    "seeds",
    "pooled WA interval",
    "pooled CCC interval",
    "pooled JSD interval",
    "record",
)
"""In the CSV only."""
HEAD = """# Leaderboard

Written by `python -m harness leaderboard` from the records; do not edit. WA, UA and WF1 are in percent and means
of the folds, the interval is 95 % over speakers (bootstrap); pooled figures count all test utterances together.
Published numbers are others', as printed, and stand in columns of their own. Concordance (CCC, from -1 to 1) and
divergence of shares (JSD, from 0, less is better) are as they are, an error (RMSE) in the unit of the scale.
"""
SHORTCUTS = """## What needs no model

Shortcuts, fitted on the training part of the same folds and scored like the rows above: the majority class,
duration and level, who speaks, what is said. A number means what it has above them.
"""
COSTS = """## What it cost

Wall seconds and peak memory (MiB, of the process) per phase, on the machine of the run. Nothing is extracted where
the features were stored already, and a whole second run reads its record and is not listed.
"""


def write_board(results: Path) -> str:
    """Write `leaderboard.md`, `.csv` and `.tex` into a results folder; returns the Markdown.

    Raises:
        ConfigError: there are no records.
    """
    found = records.load_all(results)
    if not found:
        raise ConfigError(
            "there is nothing to put on the board",
            got=f"no records under {results / 'records'}",
            wanted="at least one recorded run",
            next_step="python -m harness run recipe=synthetic_5fold",
        )
    published = read_published(results)
    tables = [board_table(part, published) for part in by_kind(found)]
    sections = [_section(part) for table in tables for _, part in table.groupby(["recipe", "corpus"])]
    text = "\n".join([HEAD, *sections, *_shortcuts(found), COSTS, markdown(cost_table(found)), ""])
    whole = board_table(found, published)
    write_text(results / "leaderboard.md", text)
    write_text(results / "leaderboard.csv", whole.to_csv(index=False, lineterminator="\n"))
    write_text(results / "leaderboard.tex", "\n".join(latex(table) for table in tables))
    return text


def _section(part: pd.DataFrame) -> str:
    """A recipe with a corpus; one that is for every corpus has a section for each."""
    recipe, corpus = (str(part[name].iloc[0]) for name in ("recipe", "corpus"))
    title = recipe if corpus in recipe else f"{recipe} on {corpus}"
    return f"## {title}\n\n{markdown(part[short_columns(part)])}\n"


def short_columns(table: pd.DataFrame) -> list[str]:
    """The columns that a page has room for."""
    return [name for name in table.columns if name not in NOT_SHORT]


def _shortcuts(found: Sequence[records.Record]) -> list[str]:
    tables = [table for part in by_kind(found) if len(table := shortcut_table(part))]
    return [SHORTCUTS, *(f"{markdown(table)}\n" for table in tables)] if tables else []


def markdown(table: pd.DataFrame) -> str:
    """A Markdown table; columns without a single entry are left out."""
    shown = filled(table)
    lines = [list(shown.columns), ["---"] * shown.shape[1], *cells(shown)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def filled(table: pd.DataFrame) -> pd.DataFrame:
    """Without the columns in which no row says anything."""
    kept = [name for name in table.columns if any(line for line in _texts(table, name))]
    return table[kept]


def cells(table: pd.DataFrame) -> list[list[str]]:
    """Every cell as text: two decimals (three for what is no percent), nothing for what is missing."""
    return [list(line) for line in zip(*(_texts(table, name) for name in table.columns), strict=True)]


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    return [_text(value, decimals(str(name))) for value in table[name].tolist()]


def _text(value: object, digits: int) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.{digits}f}"  # noqa: PLR0124  NaN means there is none
    return str(value)


def latex(table: pd.DataFrame) -> str:
    """A LaTeX table (booktabs), one block per recipe."""
    shown = filled(table[["recipe", "corpus", *short_columns(table)]].drop(columns=["published in"]))
    columns = "".join(
        "l" if shown[name].dtype == object or shown[name].dtype == "str" else "r" for name in shown
    )
    lines = [r"\begin{tabular}{" + columns + "}", r"\toprule", _latex_row(list(shown.columns)), r"\midrule"]
    before = None
    for line in cells(shown):
        if before not in (None, line[0]):
            lines.append(r"\midrule")
        before = line[0]
        lines.append(_latex_row(line))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _latex_row(line: Sequence[str]) -> str:
    escapes = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#"}
    texts = ["".join(escapes.get(letter, letter) for letter in text) for text in line]
    return " & ".join(texts) + r" \\"
