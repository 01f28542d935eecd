"""How a pre-training went: losses, spreads, schedules and throughput over its updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.plots._style import DASHES, PAGE_IN, blank, colour, headed, save, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PANELS = {
    "loss": ("frame_loss", "utterance_loss"),
    "standard deviation": ("target_std", "prediction_std"),
    "share of its highest value": ("lr", "ema_rate"),
    "seconds of audio per second": ("audio_s_per_s",),
}
"""Title of a panel -> columns of the history."""


def training_picture(rows: Sequence[Mapping[str, float]], title: str, path: Path) -> Path:
    """Draw the history of a pre-training, one row per logged update. Returns the path."""
    import pandas as pd

    table = pd.DataFrame(rows)
    if "ema_decay" in table:
        table["ema_rate"] = 1 - table["ema_decay"]
    return save(_figure(table, title), path)


def _figure(table: pd.DataFrame, title: str) -> Figure:
    with style():
        figure = blank(PAGE_IN, 4.7)
        axes = figure.subplots(2, 2, sharex=True)
        for (name, columns), panel in zip(PANELS.items(), axes.flat, strict=True):
            _curves(table, [column for column in columns if column in table], name, panel)
        headed(figure, [title])
    return figure


def _curves(table: Any, columns: list[str], name: str, panel: Any) -> None:  # noqa: ANN401  pandas, matplotlib
    import seaborn

    scaled = name.startswith("share")
    for number, column in enumerate(columns):
        values = table[column] / table[column].max() if scaled else table[column]
        seaborn.lineplot(
            x=table["update"], y=values, label=column.replace("_", " "), ax=panel, errorbar=None,
            color=colour(number), linestyle=DASHES[number],
        )  # fmt: skip
    panel.set_ylabel(name)
    panel.set_ylim(bottom=0)
