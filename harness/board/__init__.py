"""The board: all records as tables, the published numbers beside ours and never mixed with them."""

from harness.board._published import Published, published_for, read_published, setting, stands_beside
from harness.board._rows import board_table, remarks, view_name
from harness.board._write import markdown, write_board

__all__ = [
    "Published",
    "board_table",
    "markdown",
    "published_for",
    "read_published",
    "remarks",
    "setting",
    "stands_beside",
    "view_name",
    "write_board",
]
