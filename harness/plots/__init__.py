"""Pictures: figures of one look from plain data, and the two moves that every story makes, draw and save.

The only room that draws with seaborn beside the portraits of corpora, which take their look from here.
"""

from harness.plots._style import PAGE_IN, save, style
from harness.plots.confusion import confusion_figure, confusion_picture, picture_title
from harness.plots.durations import DurationBin, duration_figure
from harness.plots.embedding import Panel, embedding_figure
from harness.plots.languages import LanguageRow, language_figure
from harness.plots.layers import Curve, Published, layer_figure
from harness.plots.training import training_picture

__all__ = [
    "PAGE_IN",
    "Curve",
    "DurationBin",
    "LanguageRow",
    "Panel",
    "Published",
    "confusion_figure",
    "confusion_picture",
    "duration_figure",
    "embedding_figure",
    "language_figure",
    "layer_figure",
    "picture_title",
    "save",
    "style",
    "training_picture",
]
