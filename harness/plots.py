"""Pictures. The only file that imports seaborn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.paths import written_beside
from harness.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion_picture(record: Record, path: Path) -> Path:
    """Recall per class as a heat map, counts beneath; rows truth, columns prediction. Returns the path (PNG)."""
    import matplotlib as mpl

    mpl.use("Agg")
    figure = _confusion_figure(record)
    with written_beside(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150, bbox_inches="tight")
    _close(figure)
    return path


def _close(figure: Figure) -> None:
    from matplotlib import pyplot

    pyplot.close(figure)


def _confusion_figure(record: Record) -> Figure:
    import numpy as np
    import seaborn
    from matplotlib import pyplot

    counts = np.array(record.scores["confusion"])
    classes = record.scores["classes"]
    shares = 100 * counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    texts = [
        [f"{share:.0f}\n({count})" for share, count in zip(*row, strict=True)]
        for row in zip(shares, counts, strict=True)
    ]
    size = 2.2 + 0.75 * len(classes)
    figure, axes = pyplot.subplots(figsize=(size + 0.8, size))
    seaborn.heatmap(
        shares, vmin=0, vmax=100, cmap="crest", annot=np.array(texts), fmt="", square=True, linewidths=0.5,
        xticklabels=classes, yticklabels=classes, annot_kws={"fontsize": 8},
        cbar_kws={"label": "share of the truth (%)", "shrink": 0.75}, ax=axes,
    )  # fmt: skip
    axes.set_xlabel("predicted")
    axes.set_ylabel("truth")
    axes.tick_params(axis="x", rotation=40)
    axes.tick_params(axis="y", rotation=0)
    axes.set_title(picture_title(record), fontsize=9)
    return figure


def training_picture(rows: Sequence[Mapping[str, float]], title: str, path: Path) -> Path:
    """Losses, spreads, schedules and throughput over the updates of a pre-training. Returns the path (PNG)."""
    import matplotlib as mpl

    mpl.use("Agg")
    import pandas as pd
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(9, 6), sharex=True, layout="constrained")
    table = pd.DataFrame(rows)
    if "ema_decay" in table:
        table["ema_rate"] = 1 - table["ema_decay"]
    for (name, columns), panel in zip(_TRAINING_PANELS.items(), axes.flat, strict=True):
        _curves(table, [column for column in columns if column in table], name, panel)
    figure.suptitle(title, fontsize=9)
    with written_beside(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
    _close(figure)
    return path


_TRAINING_PANELS = {
    "loss": ("frame_loss", "utterance_loss"),
    "standard deviation": ("target_std", "prediction_std"),
    "share of its highest value": ("lr", "ema_rate"),
    "seconds of audio per second": ("audio_s_per_s",),
}
"""Title of a panel -> columns of the history."""


def _curves(table: Any, columns: list[str], name: str, panel: Any) -> None:  # noqa: ANN401  pandas, matplotlib
    import seaborn

    scaled = name.startswith("share")
    for column in columns:
        values = table[column] / table[column].max() if scaled else table[column]
        seaborn.lineplot(x=table["update"], y=values, label=column.replace("_", " "), ax=panel, errorbar=None)
    panel.set_ylabel(name)
    panel.set_ylim(bottom=0)


def picture_title(record: Record) -> str:
    """Recipe, upstream, head, the two figures, and what has to be said aloud."""
    scores = record.scores["metrics"]
    figures = ", ".join(f"{name.upper()} {100 * scores[name]['pooled']:.1f}" for name in scores)
    lines = [f"{record.recipe} · {record.upstream['name']} · {record.head['name']}", f"pooled: {figures}"]
    if record.corpus["synthetic"]:
        lines.insert(0, "SYNTHETIC AUDIO")
    if not record.ranked:
        lines.append("the test part selected the model")
    return "\n".join(lines)
