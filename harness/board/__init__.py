"""The board: all records as tables, the published numbers beside ours and never mixed with them."""

from harness.board._published import Published, models_of, published_for, read_published, stands_beside
from harness.board._rows import board_table, remarks, view_name, was_corrected
from harness.board._write import markdown, write_board

__all__ = [
    "Published",
    "board_table",
    "markdown",
    "models_of",
    "published_for",
    "read_published",
    "remarks",
    "stands_beside",
    "view_name",
    "was_corrected",
    "write_board",
]
