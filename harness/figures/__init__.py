"""Figures: pictures from records and predictions, and those of papers, with the numbers that they show."""

from harness.figures._draw import draw
from harness.figures._names import figure_list, figure_names, has_recipe, keys_of

__all__ = ["draw", "figure_list", "figure_names", "has_recipe", "keys_of"]
