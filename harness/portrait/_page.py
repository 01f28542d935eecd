"""The portrait as one web page that holds everything in itself: no script, no address outside."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from harness.portrait._pictures import Picture, pictures
from harness.portrait._portrait import Portrait
from harness.portrait._tables import copies_line, copy_table, group_tables, shortcut_table

if TYPE_CHECKING:
    import pandas as pd

MOST_GROUPS = 200
MOST_COPIES = 200
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222;
  background: #fff }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
figure { margin: 1rem 0; display: inline-block; vertical-align: top; max-width: 100% }
img { max-width: 100%; height: auto }
figcaption, .quiet { color: #555; font-size: .9em }
.note { background: #fff3d6; padding: .4rem .8rem }
.wide { overflow-x: auto }
"""


def page(portrait: Portrait) -> str:
    """HTML; every text of the corpus is escaped."""
    title = escape(f"{portrait.facts.title}: what it is like")
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = "\n".join(_body(portrait))
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def _body(portrait: Portrait) -> Iterator[str]:
    facts = portrait.facts
    yield from (f'<p class="note">{escape(note)}</p>' for note in portrait.notes)
    yield f'<p class="quiet">{escape(facts.citation)}<br>Licence: {escape(facts.licence)}</p>'
    yield "<h2>What tells the label without the voice</h2>"
    yield _list(portrait.sentences)
    if portrait.cues.reports:
        yield _table(shortcut_table(portrait))
    yield _list([f"not asked: {line}" for line in portrait.cues.not_asked])
    yield f'<p class="quiet">{escape(portrait.method)}</p>'
    yield "<h2>Pictures</h2>"
    yield from map(_figure, pictures(portrait))
    yield "<h2>Groups</h2>"
    for by, table, more in group_tables(portrait, MOST_GROUPS):
        yield f"<h3>{escape('the whole corpus' if by == 'all' else f'by {by}')}</h3>"
        yield _table(table)
        if more:
            yield f'<p class="quiet">The largest; {more} more are in stats.csv.</p>'
    yield f"<h2>Copies</h2><p>{escape(copies_line(portrait))}</p>"
    if len(portrait.copies):
        yield _table(copy_table(portrait, MOST_COPIES))


def _list(lines: list[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _table(table: pd.DataFrame) -> str:
    return f'<div class="wide">{table.to_html(index=False, border=0, escape=True)}</div>'


def _figure(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    caption = escape(picture.caption)
    image = f'<img alt="{caption}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"
