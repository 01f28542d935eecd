"""Pictures: figures of one look from plain data, and the two moves that every story makes, draw and save.

The only room that draws with seaborn beside the portraits of corpora, which take their look from here.
"""

from harness.plots._style import INK, PAGE_IN, POINTS, SEQUENCE, blank, colour, readable, save, style
from harness.plots.confusion import confusion_figure, confusion_picture, picture_title
from harness.plots.durations import DurationBin, duration_figure
from harness.plots.embedding import Panel, embedding_figure
from harness.plots.languages import LanguageRow, language_figure
from harness.plots.layers import Curve, Published, layer_figure
from harness.plots.matrix import matrix_figure
from harness.plots.milestones import Probe, milestone_figure
from harness.plots.training import training_picture

__all__ = [
    "INK",
    "PAGE_IN",
    "POINTS",
    "SEQUENCE",
    "Curve",
    "DurationBin",
    "LanguageRow",
    "Panel",
    "Probe",
    "Published",
    "blank",
    "colour",
    "confusion_figure",
    "confusion_picture",
    "duration_figure",
    "embedding_figure",
    "language_figure",
    "layer_figure",
    "matrix_figure",
    "milestone_figure",
    "picture_title",
    "readable",
    "save",
    "style",
    "training_picture",
]
