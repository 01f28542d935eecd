"""A table as LaTeX: booktabs for the rules, threeparttable for what hangs on the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.tables._document import Document, Grid, Line, Piece

NEEDS = r"""% Written by `python -m harness table {name}`; do not edit.
% \usepackage[T1]{{fontenc}} \usepackage{{booktabs}} \usepackage{{threeparttable}}"""
ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", '"': r"\textquotedbl{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "×": r"\texttimes{}", "³": r"\textthreesuperior{}", "≥": r"$\geq$",
    "α": r"$\alpha$",
}  # fmt: skip


def latex(name: str, shown: Document) -> str:
    """One floating table: all blocks, then misprints, marks, and what fills the cells.

    `threeparttable` takes one tabular each, so that every block has one of its own.
    """
    return "\n".join(_lines(name, shown)) + "\n"


def _lines(name: str, shown: Document) -> Iterator[str]:
    yield NEEDS.format(name=name)
    yield from (r"\begin{table}", r"\centering\footnotesize")
    last = len(shown.grids) - 1
    for place, grid in enumerate(shown.grids):
        yield r"\begin{threeparttable}"
        if place == 0:
            yield rf"\caption{{{escape(shown.title.text)}{_notes(shown.title)}}}"
            yield rf"\label{{tab:{name.replace('/', ':')}}}"
        yield from _tabular(grid)
        if place == last:
            yield from _below(shown)
        yield from (r"\end{threeparttable}", r"\par\medskip")
    yield r"\end{table}"


def _tabular(grid: Grid) -> Iterator[str]:
    stubs = len(grid.stubs) + 1
    yield rf"\begin{{tabular}}{{{'l' * stubs}{'r' * (grid.width - stubs)}}}"
    yield r"\toprule"
    spans = [rf"\multicolumn{{{len(metrics)}}}{{c}}{{{_text(title)}}}" for title, metrics in grid.headings]
    yield _row([*[""] * stubs, *spans])
    yield _row([*map(escape, grid.stubs), "", *(escape(m) for _, metrics in grid.headings for m in metrics)])
    yield r"\midrule"
    for line in grid.lines:
        yield _body(line, grid.width)
    yield from (r"\bottomrule", r"\end{tabular}")


def _body(line: Line, width: int) -> str:
    if line.heading:
        return rf"\multicolumn{{{width}}}{{l}}{{\itshape {_text(line.pieces[0])}}} \\"
    return _row([_text(piece) for piece in line.pieces])


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _text(piece: Piece) -> str:
    marks = rf" \textbf{{{piece.marks}}}" if piece.marks else ""
    number = f"[{piece.number}]" if piece.number else ""
    return f"{escape(piece.text)}{marks}{number}{_notes(piece)}"


def _notes(piece: Piece) -> str:
    return rf"\tnote{{{','.join(piece.notes)}}}" if piece.notes else ""


def _below(shown: Document) -> Iterator[str]:
    items = [
        *((note.letter, escape(note.text)) for note in shown.notes),
        *((letter, escape(text)) for letter, text in shown.legend.items()),
        *(("", escape(text)) for text in [*shown.ours, *shown.remarks]),
        *(
            (f"{{[{number}]}}", rf"\texttt{{{escape(one.text)}}}" if one.command else escape(one.text))
            for number, one in enumerate(shown.remedies, start=1)
        ),
    ]
    if items:
        yield r"\begin{tablenotes}\scriptsize"
        yield from (rf"\item[{mark}] {text}" for mark, text in items)
        yield r"\end{tablenotes}"


def escape(text: str) -> str:
    r"""Text as LaTeX prints it.

    >>> escape("50 % of a_b")
    '50 \\% of a\\_b'
    """
    return "".join(ESCAPES.get(letter, letter) for letter in text)
