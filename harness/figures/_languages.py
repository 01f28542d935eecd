"""Corpora by language against upstreams: what every record of one protocol came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import registry
from harness.board import remarks, view_name
from harness.errors import ConfigError
from harness.figures._records import all_records, largest_group, matching, synthetic_first, told, unit
from harness.figures._write import write_figure
from harness.metrics import is_percent
from harness.plots import LanguageRow, language_figure
from harness.record import Record

if TYPE_CHECKING:
    import pandas as pd

LANGUAGES = {
    "am": "Amharic", "bn": "Bengali", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fa": "Persian", "fr": "French", "it": "Italian", "pl": "Polish", "ru": "Russian", "tr": "Turkish",
    "ur": "Urdu", "zh": "Chinese", "mul": "many more", "zxx": "no language",
}  # fmt: skip
"""ISO 639 codes of the corpora that there are; another corpus shows its code."""
FILTERS = ("protocol", "select", "head", "view", "task", "recipe")
MARK = "*"


def draw_languages(
    results: Path, wanted: Mapping[str, str], *, metric: str = "ua", figure: str = "fold_mean"
) -> str:
    """Draw the largest set of records that one protocol, head, view and task brought forth; returns what to say.

    Args:
        results: folder of the records.
        wanted: facts that narrow the choice: `protocol`, `select`, `head`, `view`, `task`, `recipe`.
        metric: what is drawn.
        figure: `fold_mean` or `pooled`.

    Raises:
        HarnessError: no such records, or they do not hold the metric.
    """
    drawn, others = largest_group(
        _usable(matching(all_records(results), _facts, wanted), metric, "select" in wanted),
        _group,
        lambda one: (one.corpus["name"], one.upstream["name"]),
    )
    upstreams = sorted({one.upstream["name"] for one in drawn})
    rows = _rows(drawn, upstreams, metric, figure)
    said = ", ".join(f"{name} {value}" for name, value in _group(drawn[0]))
    marked = [f"{MARK} {_why(drawn)}"] if any(mark for row in rows for mark in row.marks) else []
    title = [*synthetic_first(drawn), f"{unit(drawn, metric, figure)}: {said}", *marked]
    scale = 100.0 if is_percent(drawn[0].scores["metrics"][metric]) else 1.0
    picture = language_figure(rows, upstreams, unit(drawn, metric, figure), title, top=scale)
    facts = {
        "title": title[-1 - len(marked)],
        "notes": [*marked, *others],
        "records": sorted(one.stem for one in drawn),
    }
    stem = "--".join(["languages", metric, *(value.replace(" ", "_") for _, value in _group(drawn[0]))])
    return write_figure(stem, picture, _table(rows, upstreams), facts, results)


def _usable(found: Sequence[Record], metric: str, all_selections: bool) -> list[Record]:
    """The records that hold the metric; those whose test part selected only where that is asked for.

    Raises:
        ConfigError: none is left.
    """
    kept = [one for one in found if metric in one.scores["metrics"] and (one.ranked or all_selections)]
    if not kept:
        raise ConfigError(
            "no record can be drawn",
            got=f"{len(found)} records, none of them ranked and scored by {metric}",
            wanted=f"metric among {', '.join(sorted({name for one in found for name in one.scores['metrics']}))}",
            next_step="another metric=, or select=test for runs whose test part selected",
        )
    return kept


def _facts(one: Record) -> dict[str, str]:
    return {**dict(_group(one)), "recipe": one.recipe}


def _group(one: Record) -> list[tuple[str, str]]:
    """What is equal within a picture; corpora and upstreams are what differs."""
    return [
        ("protocol", str(one.protocol["name"])),
        ("select", str(one.protocol["select"])),
        ("head", str(one.head["name"])),
        ("view", view_name(one.view)),
        ("task", str(one.task["name"])),
    ]


def _rows(drawn: Sequence[Record], upstreams: Sequence[str], metric: str, figure: str) -> list[LanguageRow]:
    cells = {(one.corpus["name"], one.upstream["name"]): one for one in drawn}
    named = sorted((language_of(corpus), corpus) for corpus in {corpus for corpus, _ in cells})
    rows = []
    for language, corpus in named:
        here = [cells.get((corpus, upstream)) for upstream in upstreams]
        rows.append(
            LanguageRow(
                language=language,
                corpus=corpus,
                scores=tuple(None if one is None else told(one, metric, figure)[0] for one in here),
                marks=tuple(MARK if one is not None and _said(one) else "" for one in here),
            )
        )
    return rows


def language_of(corpus: str) -> str:
    """The languages of a corpus in words; `unknown` where the corpus is not installed.

    >>> language_of("esd")
    'Chinese, English'
    """
    if corpus not in registry.names("corpora"):
        return "unknown"
    codes = registry.load("corpora", corpus).FACTS.languages
    return ", ".join(LANGUAGES.get(code, code) for code in codes)


def _said(one: Record) -> list[str]:
    return [remark for remark in remarks(one) if not remark.startswith(("SYNTHETIC", "no selection"))]


def _why(drawn: Sequence[Record]) -> str:
    return "; ".join(sorted({remark for one in drawn for remark in _said(one)}))


def _table(rows: Sequence[LanguageRow], upstreams: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    lines: list[dict[str, Any]] = [
        {"language": row.language, "corpus": row.corpus, **dict(zip(upstreams, row.scores, strict=True))}
        for row in rows
    ]
    return pd.DataFrame(lines)
