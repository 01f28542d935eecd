"""One look for every picture: sizes that survive print, colours that survive colour blindness, repeated bytes.

A picture is never wider than a page's text, so that nothing shrinks on the way to paper and 8 points stay 8.
Classes differ in colour and in shape. The colours are Petroff's eight (arXiv 2107.02270; matplotlib's `petroff8`):
any two stay 18 or more apart (CIE Lab) in full protanopia, deuteranopia and tritanopia, and each has at least 1.9
to 1 against white. We measured Okabe and Ito's eight beside them: 16 apart, and a yellow of 1.3 to 1.
"""

from __future__ import annotations

import logging
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.paths import written_beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE_IN = 7.0
"""Widest picture, in inches: the text of an A4 or letter page in two columns."""
POINTS = 8
"""Size of text; titles are one point larger."""
CHARACTER_IN = 0.072
"""Width that a character of that size takes at most on average, to plan room with."""
SCREEN_DPI = 150
COLOURS = ("#1845fb", "#ff5e02", "#c91f16", "#c849a9", "#adad7d", "#86c8dd", "#578dff", "#656364")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p", "<", ">")
"""Eleven and eight have no common factor: 88 classes before a pair of colour and shape comes again."""
DASHES = ("-", "--", "-.", ":")
SEQUENCE = "Blues"
"""Nothing is white, all is dark, one hue between: it reads the same in grey."""
INK = "#262626"
NO_DATA = "#eeeeee"
METADATA: dict[str, dict[str, str | None]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": "emoharness", "Producer": "matplotlib"},
}
"""Neither clocks nor versions: the same picture is the same file."""
_SETTINGS: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that a page looks the same everywhere
    "font.size": POINTS,
    "axes.titlesize": POINTS + 1,
    "axes.labelsize": POINTS,
    "xtick.labelsize": POINTS,
    "ytick.labelsize": POINTS,
    "legend.fontsize": POINTS,
    "legend.title_fontsize": POINTS,
    "figure.titlesize": POINTS + 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.axisbelow": True,
    "lines.markersize": 4,
    "pdf.fonttype": 42,  # letters stay letters in the PDF
}


@contextmanager
def style() -> Iterator[None]:
    """The look, whatever the user's own matplotlibrc says; everything is as before afterwards."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def blank(width_in: float, height_in: float) -> Figure:
    """An empty figure of its own: no state of pyplot is touched. No wider than the page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(min(width_in, PAGE_IN), height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """Write a figure in the form that the name ends in (PNG, PDF), whole or not at all; the same every time.

    Raises:
        HarnessError: another ending.
    """
    if path.suffix not in METADATA:
        raise HarnessError("a picture is a PNG or a PDF", got=path.name, wanted=" or ".join(METADATA))
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # tells every table of a font that it cuts down
    with style(), written_beside(path) as temporary:
        figure.savefig(
            temporary,
            format=path.suffix[1:],
            dpi=SCREEN_DPI,
            metadata=METADATA[path.suffix],
            facecolor="white",
        )
    return path


def colour(index: int) -> str:
    """The colour of a class or curve, by its place in the order."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """The shape of a class or curve, by its place in the order."""
    return MARKERS[index % len(MARKERS)]


def wrapped(name: str, characters: int) -> str:
    r"""A name on as many lines as it needs, broken after blanks, underscores and hyphens; nothing is cut away.

    >>> wrapped("excited_happiness", 12)
    'excited_\nhappiness'
    """
    breakable = re.sub(r"([_/-])", "\\1\u200b ", name)
    lines = textwrap.wrap(breakable, characters, break_on_hyphens=False)
    return "\n".join(line.replace("\u200b ", "").rstrip("\u200b") for line in lines)


def width_of(names: Sequence[str]) -> float:
    """Inches that the longest line of these names takes."""
    return CHARACTER_IN * max((len(line) for name in names for line in name.split("\n")), default=0)


def headed(figure: Figure, lines: Sequence[str]) -> None:
    """The title: as many lines as the width of the figure asks for."""
    figure.suptitle("\n".join(heading(figure.get_figwidth(), lines)))


def heading(width_in: float, lines: Sequence[str]) -> list[str]:
    """The lines of a title, wrapped to a width."""
    characters = int(width_in / CHARACTER_IN * 0.95)
    return [text for line in lines for text in textwrap.wrap(line, characters)]


def readable(axes: Axes) -> None:
    """Write the numbers of a heat map black or white, whichever stands out more: 4.5 to 1 at least.

    seaborn turns to white at a luminance of 0.408, where white has 2.3 to 1 against its ground.
    """
    import numpy as np

    (mesh,) = (one for one in axes.collections if one.get_array() is not None)
    mesh.update_scalarmappable()
    shown = ~np.ma.getmaskarray(np.ma.asarray(mesh.get_array())).ravel()
    grounds = np.asarray(mesh.get_facecolor())[shown]
    for text, ground in zip(axes.texts, grounds, strict=True):
        text.set_color("white" if luminance(ground) < 0.179 else "black")


def luminance(rgb: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in map(float, rgb[:3])]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
