"""The pictures of a portrait, as PNG bytes: nothing but what a web page can hold in itself."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from harness.plots import INK, PAGE_IN, POINTS, SEQUENCE, blank, colour, readable, style
from harness.portrait._cues import NUMBERS
from harness.portrait._groups import UNKNOWN
from harness.portrait._portrait import Portrait

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_SPEAKERS = 60
"""More rows than this cannot be read in a picture."""

AXES = {"level": "level (dBFS, RMS)", "duration": "duration (s)", "silence": "silent frames (%)"}


class Picture(NamedTuple):
    """A picture with what it shows."""

    caption: str
    png: bytes


def pictures(portrait: Portrait) -> Iterator[Picture]:
    """Counts, the three numbers by class, classes by speaker, and what each cue tells."""
    traits = portrait.traits.assign(silence_share=100 * portrait.traits["silence_share"])
    order = sorted(traits["label"].unique())
    yield Picture("Utterances per class and gender", _drawn(lambda axes: _counts(axes, traits, order)))
    for cue, column in NUMBERS.items():
        caption = f"{cue.capitalize()} per class: the box holds the middle half, whiskers 1.5 of its height"
        yield Picture(caption, _drawn(_box(traits, order, column, AXES[cue])))
    if 1 < traits["speaker"].nunique() <= MOST_SPEAKERS:
        yield Picture(
            "Utterances per speaker and class", _drawn(lambda axes: _speakers(axes, traits), tall=True)
        )
    if portrait.cues.reports:
        caption = "UA of a guesser that knows one thing only; the line is chance, the bar a 95 % interval"
        yield Picture(caption, _drawn(lambda axes: _told(axes, portrait)))


def _drawn(draw: Callable[[Axes], None], *, tall: bool = False) -> bytes:
    with style():
        figure = blank(PAGE_IN, 8 if tall else 4)
        draw(figure.add_subplot())
        memory = io.BytesIO()
        figure.savefig(memory, format="png", dpi=110, metadata={"Software": None})
    return memory.getvalue()


def _counts(axes: Axes, traits: pd.DataFrame, order: list[str]) -> None:
    import seaborn

    named = traits.assign(gender=traits["gender"].replace("", UNKNOWN))
    hue = "gender" if named["gender"].nunique() > 1 else None
    seaborn.countplot(
        named, x="label", hue=hue, order=order, palette=_genders(named["gender"]) if hue else None, ax=axes
    )
    _finish(axes, "utterances")


def _genders(names: Iterable[str]) -> dict[str, str]:
    """A colour for each, the same whichever comes first."""
    return {name: colour(place) for place, name in enumerate(sorted(set(names)))}


def _box(traits: pd.DataFrame, order: list[str], column: str, title: str) -> Callable[[Axes], None]:
    import seaborn

    def draw(axes: Axes) -> None:
        seaborn.boxplot(traits, x="label", y=column, order=order, color=colour(5), fliersize=2, ax=axes)
        _finish(axes, title)

    return draw


def _speakers(axes: Axes, traits: pd.DataFrame) -> None:
    import pandas as pd
    import seaborn

    counts = pd.crosstab(traits["speaker"].replace("", UNKNOWN), traits["label"])
    annotated = counts.size <= 400
    seaborn.heatmap(counts, cmap=SEQUENCE, annot=annotated, fmt="d", annot_kws={"fontsize": POINTS}, ax=axes)
    if annotated:
        readable(axes)
    _finish(axes, "speaker")


def _told(axes: Axes, portrait: Portrait) -> None:
    reports = portrait.cues.reports
    names = [report.cue for report in reports]
    bars = [100 * report.ua for report in reports]
    errors = [100 * report.ua_half_width for report in reports]
    axes.bar(names, bars, yerr=errors, color=colour(6), ecolor=INK, capsize=3)
    axes.axhline(100 * reports[0].chance, color=colour(1), linestyle="--")
    axes.set_ylim(0, 100)
    _finish(axes, "UA (%)")


def _finish(axes: Axes, title: str) -> None:
    axes.set_xlabel("")
    axes.set_ylabel(title)
    axes.tick_params(axis="x", rotation=30)
