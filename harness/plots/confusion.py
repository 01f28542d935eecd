"""What was taken for what: recall per class as a heat map, with the counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.metrics import written
from harness.plots._style import (
    PAGE_IN,
    POINTS,
    SEQUENCE,
    blank,
    headed,
    readable,
    save,
    style,
    width_of,
    wrapped,
)
from harness.record import Record

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

CELL_IN = 0.62
"""Side of a cell while the page is wide enough."""
COUNTED_IN = 0.4
"""Smaller cells hold the share alone."""
LABEL_CHARACTERS = 16


def confusion_picture(record: Record, path: Path) -> Path:
    """Recall per class as a heat map, counts beneath; rows truth, columns prediction. Returns the path."""
    return save(confusion_figure(record), path)


def confusion_figure(record: Record) -> Figure:
    """The same as a figure.

    Raises:
        HarnessError: the record has no counts per class.
    """
    import numpy as np

    counts = np.array(record.scores.get("confusion") or [])
    if counts.ndim != 2 or not counts.any():
        raise HarnessError(
            "this run has no confusion matrix",
            got=f"{record.stem}, whose task is {record.task['name']}",
            wanted="a run that told classes apart",
            next_step="python -m harness figure confusion record=STEM, of such a run",
        )
    labels = [wrapped(name, LABEL_CHARACTERS) for name in record.scores["classes"]]
    with style():
        return _drawn(counts, labels, picture_title(record).split("\n"))


def _drawn(counts: NDArray[np.int64], labels: Sequence[str], title: Sequence[str]) -> Figure:
    import seaborn

    shares = 100 * counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    beside = width_of(labels) + 1.3  # labels of the rows, title of the axis, scale
    cell = min(CELL_IN, (PAGE_IN - beside) / len(labels))
    width = max(3.5, beside + cell * len(labels))
    figure = blank(width, cell * len(labels) + 0.75 * width_of(labels) + 0.5 + 0.16 * len(title))
    axes: Axes = figure.add_subplot()
    seaborn.heatmap(
        shares, vmin=0, vmax=100, cmap=SEQUENCE, annot=_texts(shares, counts, cell >= COUNTED_IN), fmt="",
        square=True, linewidths=0.5, xticklabels=labels, yticklabels=labels, annot_kws={"fontsize": POINTS},
        cbar_kws={"label": "share of the truth (%)", "shrink": 0.75}, ax=axes,
    )  # fmt: skip
    readable(axes)
    axes.set(xlabel="predicted", ylabel="truth")
    axes.tick_params(axis="y", rotation=0)
    axes.set_xticks(axes.get_xticks(), labels, rotation=40, ha="right", rotation_mode="anchor")
    headed(figure, title)
    return figure


def _texts(shares: NDArray[np.float64], counts: NDArray[np.int64], counted: bool) -> Any:  # noqa: ANN401
    """Share and count of every cell, as an array of strings."""
    import numpy as np

    pairs = zip(shares.ravel(), counts.ravel(), strict=True)
    texts = [f"{share:.0f}\n({count})" if counted else f"{share:.0f}" for share, count in pairs]
    return np.array(texts).reshape(shares.shape)


def picture_title(record: Record) -> str:
    """Recipe, upstream, head, the pooled figures, and what has to be said aloud."""
    scores = record.scores["metrics"]
    figures = ", ".join(
        f"{name.upper()} {written(scores[name], scores[name]['pooled'], -1)}" for name in scores
    )
    lines = [f"{record.recipe} · {record.upstream['name']} · {record.head['name']}", f"pooled: {figures}"]
    if record.corpus["synthetic"]:
        lines.insert(0, "SYNTHETIC AUDIO")
    if not record.ranked:
        lines.append("the test part selected the model")
    return "\n".join(lines)
